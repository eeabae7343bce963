// API server and databases that are away while pods come and go: the CNI plugin answers in time with an error that asks
// to try again, and everything heals by itself when they are back.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { run } from "../../sandbox/process/run.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { Cluster, eventually } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";
import { expectWhole } from "./wholeness.ts";

const nodes = ["n1", "n2"];
/** Instead of the hundred seconds that a runtime would wait. */
const cniLimitSeconds = 3;

suite("pods come and go", suiteLimit, () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.up({ name: "testaway", nodes: nodes.length });
    const { processes } = cluster.sandbox;
    for (const node of nodes) {
      const agent = processes.record(`${node}-agent`);
      await processes.stop(agent.name);
      await processes.launch({ ...agent, argv: [...agent.argv, "--cni-limit", String(cniLimitSeconds)] });
    }
    await cluster.apply(namespace("away"));
    await birth("first", 4);
    await cluster.podsReady("away");
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("while the API server is away the plugin answers with error 11, and all heals when it is back", async () => {
    const { processes } = cluster.sandbox;
    await birth("api", 6);
    await processes.pause("api");
    try {
      assert.deepEqual(await addUnknownPod(), { code: 11, words: "pod away/unknown" });
      await eventually("the controller gave up leading", () =>
        processes.logTail("controller", 5).includes("leads no more"),
      );
    } finally {
      await processes.resume("api");
    }
    await death("first", 2);
    await birth("api-after", 2);
    await expectWhole(cluster, "away");
  });

  test("while the northbound database is away pods wait, and all heals when it is back", async () => {
    await without("central-nb", async () => {
      await birth("nb", 6);
      await death("api-after", 2);
      await waitsInVain("nb-0", /FailedCreatePodSandBox/);
    });
    await expectWhole(cluster, "away");
  });

  test("while the southbound database is away a pod says what it waits for, and all heals when it is back", async () => {
    await without("central-sb", async () => {
      await birth("sb", 6);
      await death("nb", 3);
      await waitsInVain("sb-0", /waited for ovn-controller to install port weft_pod_away_sb-0/);
    });
    await expectWhole(cluster, "away");
  });

  async function without(name: string, churn: () => Promise<void>): Promise<void> {
    const { processes } = cluster.sandbox;
    const begun = birth(`${name}-begun`, 2);
    await processes.kill(name, "SIGKILL");
    await begun;
    await churn();
    await processes.start(name);
  }

  const birth = (name: string, count: number): Promise<void> =>
    cluster.apply(
      ...Array.from({ length: count }, (_, index) =>
        pod({ namespace: "away", name: `${name}-${index}`, node: nodes[index % nodes.length] ?? "" }),
      ),
    );

  async function death(name: string, count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `${name}-${index}`);
    await cluster.kubectl("delete", "pod", "-n", "away", "--wait=false", ...names);
  }

  /** Waits until the pod's Events say so, as the runner reports it. */
  async function waitsInVain(name: string, why: RegExp): Promise<void> {
    await eventually(`${name} has an Event like ${why}`, async () =>
      why.test(
        await cluster.kubectl("get", "events", "-n", "away", `--field-selector=involvedObject.name=${name}`),
      ),
    );
  }

  /** What the plugin tells a runtime that asks for a pod which the agent cannot know about at present. */
  async function addUnknownPod(): Promise<{ readonly code: unknown; readonly words: string }> {
    const [node] = cluster.sandbox.layout.nodeHosts;
    assert.ok(node);
    const netns = `${node.netns}-unknown`;
    await run(["ip", "netns", "add", netns]);
    const environment = {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "unknown",
      CNI_NETNS: `/run/netns/${netns}`,
      CNI_IFNAME: "eth0",
      CNI_PATH: node.cniPrograms,
      CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAMESPACE=away;K8S_POD_NAME=unknown;K8S_POD_UID=0",
    };
    const input = { cniVersion: "1.1.0", name: "weft", type: "weft-cni", socket: node.cniSocket };
    try {
      const { status, stdout } = await cluster.sandbox
        .host(node.name)
        .tryExec([`${node.cniPrograms}/weft-cni`], {
          env: environment,
          input: JSON.stringify(input),
          timeoutMs: 30_000,
        });
      assert.equal(status, 1);
      const { code, msg }: { readonly code: unknown; readonly msg: string } = JSON.parse(stdout);
      return { code, words: msg.split(":")[0] ?? "" };
    } finally {
      await run(["ip", "netns", "delete", netns]);
    }
  }
});
