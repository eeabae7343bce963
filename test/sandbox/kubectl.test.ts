// What people do with kubectl, on pods that Weft has connected: run, logs, exec, cp, delete with grace, and rolling
// over a Deployment behind its Service.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually } from "./cluster.ts";

suite("kubectl", suiteLimit, () => {
  let cluster: Cluster;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "weft-kubectl-test-"));
    cluster = await Cluster.up({ name: "testkubectl", nodes: 2 });
    await cluster.kubectl("run", "box", "--image=none", "--command", "--", "sleep", "1000");
    await cluster.podsReady("default", "box");
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test("run waits for a command in a pod of its own, shows its output and removes the pod", async () => {
    const command = ["--", "ping", "-c1", "-W5", "172.30.0.100"];
    const said = await cluster.kubectl(
      "run",
      "-i",
      "--rm",
      "--restart=Never",
      "try",
      "--image=none",
      "--command",
      ...command,
    );
    assert.match(said, /1 received/);
    await becomes("the pod is gone", "", () => cluster.kubectl("get", "pod", "try", "--ignore-not-found"));
  });

  test("logs -f ends with the container and shows all its output", async () => {
    const command = "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done";
    await cluster.kubectl(
      "run",
      "talker",
      "--image=none",
      "--restart=Never",
      "--command",
      "--",
      "sh",
      "-c",
      command,
    );
    await eventually(
      "the container has begun",
      async () => (await cluster.tryKubectl("logs", "talker")).status === 0,
    );
    const said = await cluster.kubectl("logs", "-f", "talker");
    assert.equal(said, [1, 2, 3, 4, 5].map((line) => `line ${line}\n`).join(""));
  });

  test("exec ends as the command does, and cp brings files into a pod and out of it", async () => {
    for (const code of [0, 1, 42]) {
      const ended = await cluster.tryKubectl("exec", "box", "--", "sh", "-c", `exit ${code}`);
      assert.equal(ended.status, code);
    }
    const [here = "", back = ""] = ["here", "back"].map((name) => join(folder, name));
    const text = "weft\n".repeat(50_000);
    await writeFile(here, text);
    await cluster.kubectl("cp", here, "default/box:/tmp/there");
    await cluster.kubectl("cp", "default/box:/tmp/there", back);
    assert.equal(await readFile(back, "utf8"), text);
  });

  test("a deleted pod gets its grace period, still answers during it, and leaves neither port nor link", async () => {
    const command = "trap 'echo going; sleep 1; exit 0' TERM; while true; do sleep 0.1; done";
    await cluster.kubectl(
      "run",
      "polite",
      "--image=none",
      "--restart=Never",
      "--command",
      "--",
      "sh",
      "-c",
      command,
    );
    await cluster.podsReady("default", "polite");
    const node = cluster.sandbox.host(await cluster.field("pod", "default", "polite", "{.spec.nodeName}"));
    const ports = () => node.exec(["ovs-vsctl", "list-ports", "br-int"]);
    const before = await ports();
    const logs = cluster.kubectl("logs", "-f", "polite");
    await cluster.kubectl("delete", "pod", "polite", "--grace-period=20");
    assert.match(await logs, /going/);
    await becomes("its port is gone from OVN", [], () =>
      cluster.rows("Logical_Switch_Port", "name", "name=weft_pod_default_polite"),
    );
    assert.equal((await ports()).split("\n").length, before.split("\n").length - 1);
  });

  test("a Deployment is rolled over, and every request to its Service is answered meanwhile", async () => {
    const labels = { app: "rolling" };
    const version = (value: string) => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace: "default", name: "rolling" },
      spec: {
        replicas: 3,
        strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: { ...labels, version: value } },
          spec: {
            terminationGracePeriodSeconds: 10,
            containers: [
              {
                name: "echo",
                image: "echo",
                readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
                lifecycle: { preStop: { sleep: { seconds: 2 } } },
              },
            ],
          },
        },
      },
    });
    await cluster.apply(version("one"), {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "default", name: "rolling" },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    });
    await cluster.kubectl("rollout", "status", "deployment/rolling", "--timeout=40s");
    const [address = ""] = await cluster.clusterIpsOf("default", "rolling");
    const question = { way: "tcp", address, port: 80 } as const;
    await eventually(
      "the Service answers",
      async () => (await cluster.failures("n2", [question])).length === 0,
    );
    const before = await cluster.kubectl("get", "pods", "-l", "version=one", "-o", "name");
    await cluster.apply(version("two"));
    const over = new AbortController();
    const rolled = cluster
      .kubectl("rollout", "status", "deployment/rolling", "--timeout=40s")
      .finally(() => over.abort());
    const failed: string[] = [];
    while (!over.signal.aborted) failed.push(...(await cluster.failures("n2", [question, question])));
    await rolled;
    assert.deepEqual(failed, []);
    await becomes("the old pods are gone", "", () =>
      cluster.kubectl("get", "pods", "-l", "version=one", "-o", "name"),
    );
    const now = await cluster.kubectl("get", "pods", "-l", "version=two", "-o", "name");
    assert.equal(before.trim().split("\n").length, 3);
    assert.equal(now.trim().split("\n").length, 3);
  });
});
