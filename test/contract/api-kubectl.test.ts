// Everyday use of kubectl 1.32. Runs against the sandbox's server, or against any other whose kubeconfig
// WEFT_API_KUBECONFIG names.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { objectAt } from "../../sandbox/api/json.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";

let api: ApiUnderTest;
before(async () => {
  api = await ApiUnderTest.start();
});
after(() => api[Symbol.asyncDispose]());

const jsonPath = (kind: string, name: string, path: string): Promise<string> =>
  api.kubectlOk(["get", kind, name, "-o", `jsonpath=${path}`]);

const podManifest = (image: string, port: number): string => `
apiVersion: v1
kind: Pod
metadata: {name: applied, labels: {from: apply}}
spec:
  schedulerName: nobody
  containers:
  - {name: one, image: "${image}", env: [{name: A, value: "1"}]}
  - {name: two, image: none.invalid/two}
---
apiVersion: v1
kind: Service
metadata: {name: applied}
spec:
  selector: {from: apply}
  ports: [{name: http, port: ${port}}, {name: dns, port: 53, protocol: UDP, targetPort: named}]
`;

describe("kubectl create", () => {
  it("makes a namespace, a Deployment and a Service, which it sends as protobuf", async () => {
    const namespace = `${api.namespace}-made`;
    await api.kubectlOk(["create", "namespace", namespace]);
    await api.kubectlOk(["delete", "namespace", namespace, "--wait=false"]);
    await api.kubectlOk([
      "create",
      "deployment",
      "web",
      "--image=none.invalid/web",
      "--replicas=0",
      "--port=80",
    ]);
    const template =
      "{.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort} {.spec.selector.matchLabels.app}";
    assert.equal(await jsonPath("deployment", "web", template), "0 80 web");
    await api.kubectlOk(["create", "service", "clusterip", "web", "--tcp=80:8080"]);
    assert.equal(await jsonPath("service", "web", "{.spec.ports[0].targetPort}"), "8080");
    await api.kubectlOk(["create", "service", "clusterip", "bare", "--clusterip=None"]);
    assert.equal(await jsonPath("service", "bare", "{.spec.clusterIP}"), "None");
  });

  it("makes ConfigMaps, Secrets and accounts", async () => {
    await api.kubectlOk(["create", "configmap", "c", "--from-literal=a=b"]);
    await api.kubectlOk(["create", "secret", "generic", "s", "--from-literal=a=b"]);
    await api.kubectlOk(["create", "serviceaccount", "robot"]);
    assert.equal(await jsonPath("configmap", "c", "{.data.a}"), "b");
    assert.equal(await jsonPath("secret", "s", "{.data.a}"), "Yg==");
  });

  it("tells what is wrong with a manifest, field by field", async () => {
    const manifest = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "Bad" },
      spec: { containers: [{ name: "c" }] },
    };
    const { code, stderr } = await api.kubectl(["create", "-f", "-"], JSON.stringify(manifest));
    assert.equal(code, 1);
    assert.match(stderr, /metadata\.name: Invalid value: "Bad"/);
    const typo = {
      ...manifest,
      metadata: { name: "typo" },
      spec: { containers: [{ name: "c", imag: "x" }] },
    };
    const refused = await api.kubectl(["create", "-f", "-"], JSON.stringify(typo));
    assert.match(refused.stderr, /unknown field "spec\.containers\[0\]\.imag"/);
  });
});

describe("kubectl apply", () => {
  it("makes objects, changes what changed and leaves the rest", async () => {
    const created = await api.kubectlOk(["apply", "-f", "-"], podManifest("none.invalid/one:1", 80));
    assert.match(created, /pod\/applied created\nservice\/applied created/);
    const same = await api.kubectlOk(["apply", "-f", "-"], podManifest("none.invalid/one:1", 80));
    assert.match(same, /pod\/applied unchanged\nservice\/applied unchanged/);
    const changed = await api.kubectlOk(["apply", "-f", "-"], podManifest("none.invalid/one:2", 81));
    assert.match(changed, /pod\/applied configured\nservice\/applied configured/);
    assert.equal(
      await jsonPath("pod", "applied", "{.spec.containers[*].image}"),
      "none.invalid/one:2 none.invalid/two",
    );
    assert.equal(await jsonPath("service", "applied", "{.spec.ports[*].port}"), "81 53");
    assert.equal(await jsonPath("service", "applied", "{.spec.ports[1].targetPort}"), "named");
  });

  it("takes a List, and checks each of its items", async () => {
    const listOf = (...items: readonly object[]): string =>
      JSON.stringify({ apiVersion: "v1", kind: "List", items });
    const item = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "listed" }, data: { a: "1" } };
    assert.match(await api.kubectlOk(["apply", "-f", "-"], listOf(item)), /configmap\/listed created/);
    const refused = await api.kubectl(["apply", "-f", "-"], listOf({ ...item, dato: {} }));
    assert.match(refused.stderr, /unknown field "dato"/);
  });

  it("only rehearses with --dry-run=server", async () => {
    const manifest = podManifest("none.invalid/one:3", 82).replaceAll("applied", "rehearsed");
    const printed = await api.kubectlOk(["apply", "--dry-run=server", "-f", "-"], manifest);
    assert.match(printed, /pod\/rehearsed created \(server dry run\)/);
    assert.equal(await api.kubectlOk(["get", "pod", "rehearsed", "--ignore-not-found"]), "");
  });
});

describe("kubectl", () => {
  const overrides = '--overrides={"spec":{"schedulerName":"nobody"}}';

  it("runs, exposes, labels, annotates and shows a pod", async () => {
    await api.kubectlOk(["run", "solo", "--image=none.invalid/solo", "--port=8080", overrides]);
    await api.kubectlOk(["expose", "pod", "solo", "--port=80", "--target-port=8080"]);
    await api.kubectlOk(["label", "pod", "solo", "color=red"]);
    await api.kubectlOk(["annotate", "pod", "solo", "weft.io/note=hello"]);
    const wide = await api.kubectlOk(["get", "pods", "-l", "color in (red)", "-o", "wide"]);
    assert.match(wide, /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/);
    assert.match(wide, /\nsolo +0\/1 +Pending +0 +\d+s +<none> +<none>/);
    const described = await api.kubectlOk(["describe", "pod", "solo"]);
    assert.match(described, /Annotations: +weft\.io\/note: hello/);
    assert.match(await api.kubectlOk(["get", "service", "solo", "-o", "yaml"]), /targetPort: 8080/);
    assert.match(await api.kubectlOk(["describe", "service", "solo"]), /TargetPort: +8080\/TCP/);
  });

  it("shows an object's events when it describes it", async () => {
    await api.kubectlOk(["run", "eventful", "--image=none.invalid/e", overrides]);
    const found = await api.expect(200, "GET", api.path("pods/eventful"));
    const { name, namespace, uid } = objectAt(found, "metadata");
    await api.expect(201, "POST", api.path("events"), {
      metadata: { name: "eventful.1" },
      involvedObject: { apiVersion: "v1", kind: "Pod", name, namespace, uid },
      reason: "Woven",
      message: "the weft goes over the warp",
      type: "Normal",
      count: 1,
      lastTimestamp: "2026-01-01T00:00:00Z",
      source: { component: "loom" },
    });
    assert.match(
      await api.kubectlOk(["describe", "pod", "eventful"]),
      /Normal +Woven +\S+ +loom +the weft goes over the warp/,
    );
    assert.match(
      await api.kubectlOk(["get", "events"]),
      /Normal +Woven +pod\/eventful +the weft goes over the warp/,
    );
  });

  it("scales a Deployment", async () => {
    await api.kubectlOk(["create", "deployment", "scaled", "--image=none.invalid/s", "--replicas=0"]);
    await api.kubectlOk(["scale", "deployment", "scaled", "--replicas=2", "--current-replicas=0"]);
    assert.equal(await jsonPath("deployment", "scaled", "{.spec.replicas}"), "2");
    await api.kubectlOk(["delete", "deployment", "scaled"]);
  });

  it("waits for a field and for a deletion", async () => {
    await api.kubectlOk(["run", "awaited", "--image=none.invalid/a", overrides]);
    const field = api.kubectlOk([
      "wait",
      "pod/awaited",
      "--for=jsonpath={.status.message}=done",
      "--timeout=20s",
    ]);
    await api.expect(
      200,
      "PATCH",
      api.path("pods/awaited/status"),
      { status: { message: "done" } },
      "application/merge-patch+json",
    );
    assert.match(await field, /condition met/);
    const gone = api.kubectlOk(["wait", "pod/awaited", "--for=delete", "--timeout=20s"]);
    await api.kubectlOk(["delete", "pod", "awaited"]);
    await gone;
  });

  it("prints a row for each change while it watches, under one heading", async () => {
    await api.kubectlOk(["run", "watched", "--image=none.invalid/w", "--labels=watched=yes", overrides]);
    const lines = api.kubectlLines(["get", "pods", "-w", "-l", "watched=yes"]);
    assert.match((await lines.next()).value ?? "", /^NAME +READY +STATUS/);
    assert.match((await lines.next()).value ?? "", /^watched +0\/1 +Pending/);
    await api.kubectlOk(["label", "pod", "watched", "seen=yes"]);
    assert.match((await lines.next()).value ?? "", /^watched +0\/1 +Pending/);
    await lines.return();
  });

  it("patches in three ways", async () => {
    await api.kubectlOk(["create", "configmap", "patched", "--from-literal=a=1"]);
    await api.kubectlOk(["patch", "configmap", "patched", "-p", '{"data":{"b":"2"}}']);
    await api.kubectlOk(["patch", "configmap", "patched", "--type=merge", "-p", '{"data":{"a":null}}']);
    const json = '[{"op":"add","path":"/data/c","value":"3"}]';
    await api.kubectlOk(["patch", "configmap", "patched", "--type=json", "-p", json]);
    assert.equal(await jsonPath("configmap", "patched", "{.data}"), '{"b":"2","c":"3"}');
  });

  it("knows which kinds there are and explains them", async () => {
    assert.match(
      await api.kubectlOk(["api-resources", "--api-group=apps"]),
      /deployments +deploy +apps\/v1 +true +Deployment/,
    );
    assert.match(await api.kubectlOk(["explain", "pod.spec.containers"]), /image\s+<string>/);
    await api.kubectlOk(["get", "all"]);
    await api.kubectlOk(["version"]);
  });
});
