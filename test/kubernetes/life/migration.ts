// `make kubernetes-migration`: docs/migration.md, step by step with its own commands, on a cluster of its own whose network is
// flannel with kube-proxy. Two nodes are moved by a reboot, the one with the control plane without.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import * as v from "valibot";
import { run } from "../../../sandbox/process/run.ts";
import { type Cluster, until } from "../cluster/cluster.ts";
import { downCluster } from "../cluster/down.ts";
import type { NodePlaces } from "../cluster/places.ts";
import { apiPort } from "../cluster/places.ts";
import { upCluster } from "../cluster/up.ts";
import { importImage, upgradeChart, waiting } from "../install/chart.ts";
import { asFlannel } from "../install/flannel.ts";
import { inNode } from "../node/namespace.ts";
import { Guide } from "./guide.ts";
import {
  asked,
  clientsAreAnswered,
  namesAreFoundFrom,
  podsOf,
  reachedFrom,
  spreadAnew,
  startHalves,
  strangerGetsIn,
} from "./halves.ts";
import { reboot } from "./reboot.ts";
import { rolledOut } from "./rollout.ts";
import { weftStatus } from "./whole.ts";

const name = "migration";
const minute = 60_000;
const podRange = "10.245.0.0/16";
const ofOldPlugin = /^10\.244\./;
const ofWeft = /^10\.245\./;

suite("a cluster moves from flannel to Weft", { timeout: 40 * minute }, () => {
  let cluster: Cluster;
  let guide: Guide;
  /** Names of those that are moved. */
  const moved = new Set<string>();

  const nodeNamed = (node: string): NodePlaces => {
    const found = cluster.places.nodes.find(({ host }) => host.name === node);
    assert.ok(found);
    return found;
  };
  const say = (line: string): void => console.log(`migration: ${line}`);

  before(async () => {
    await downCluster(name);
    cluster = await upCluster({
      ...{ name, nodes: 3, families: [4] },
      installation: asFlannel,
      progress: console.log,
    });
    const { layout, controlPlane } = cluster.places;
    guide = await Guide.open("migration.md", cluster, {
      "10.96.0.0/12": layout.serviceCidrs.join(),
      "192.0.2.10:6443": `${controlPlane.addresses[0]}:${apiPort}`,
      // This machine has no kernel module for Open vSwitch.
      "weft node uplink": "weft node uplink --datapath netdev",
    });
    await startHalves(cluster);
  });
  after(() => downCluster(name));

  test("before: all pods reach each other, nobody enforces the policy, and the checks name what is there", async () => {
    await pathsAreAsTheGuideSays();
    assert.ok(await strangerGetsIn(cluster));
    for (const node of cluster.places.nodes) {
      await importImage(node);
      const found = await checkedFromImage(node);
      assert.deepEqual(refusals(found), [
        "another network configuration (flannel, portmap) comes before Weft's",
      ]);
      assert.deepEqual(leftovers(found), [
        "flannel is or was on this node",
        "kube-proxy's rules are on this node",
      ]);
    }
    const found = await checkedCluster();
    assert.deepEqual(refusals(found), ["flannel runs in this cluster"]);
    assert.deepEqual(leftovers(found), ["kube-proxy runs in this cluster"]);
  });

  test("flannel and kube-proxy are bound to a label, and Weft is installed beside them: everything is reached as before", async () => {
    const from = Date.now();
    await guide.operator(guide.block("network=old"));
    for (const set of ["kube-flannel/kube-flannel-ds", "kube-system/kube-proxy"])
      await cluster.kubectl([
        ...["-n", set.replace(/\/.*/, ""), "rollout", "status", `daemonset/${set.replace(/.*\//, "")}`],
        "--timeout=110s",
      ]);
    await upgradeChart(
      cluster,
      {
        clusterCidrs: [podRange],
        node: { openVSwitch: "host", datapath: "netdev", selector: { network: "weft" } },
      },
      waiting,
    );
    await pathsAreAsTheGuideSays();
    assert.deepEqual(unavailable(await cluster.kubectl(["get", "nodes", "-o", "json"])), []);
    lossesAre(from, "the patch and the install");
  });

  for (const node of ["n3", "n2", "n1"])
    test(`${node} is moved ${node === "n1" ? "without" : "by"} a reboot`, async () => {
      const place = nodeNamed(node);
      const from = Date.now();
      const since = (): string => `${((Date.now() - from) / 1000).toFixed(1)} s`;
      await guide.operator(guide.block("kubectl drain", node));
      say(`${node} is drained after ${since()}`);
      await guide.operator(guide.block("network=weft --overwrite", node));
      await guide.onNode(place, guide.block("rm /etc/cni"));
      if (node === "n1") await guide.onNode(place, guide.block("ip link delete"));
      else await reboot(cluster, place);
      say(`${node} is ${node === "n1" ? "clean" : "booted"} after ${since()}`);
      await guide.operator(guide.block("exec $POD -c agent -- weft node uplink", node));
      say(`${node} is ready with Weft after ${since()}`);
      if (node === "n1") await deleteOldPods(node);
      moved.add(node);
      await podsHaveTheirAddresses();
      const found = await checkedByAgent(node);
      assert.deepEqual([...refusals(found), ...leftovers(found)], []);
      await guide.operator(guide.block("kubectl uncordon", node));
      say(`${node} has pods again after ${since()}`);
      await spreadAnew(cluster);
      await pathsAreAsTheGuideSays();
      assert.deepEqual(unavailable(await cluster.kubectl(["get", "nodes", "-o", "json"])), []);
      lossesAre(from, `the move of ${node}`);
    });

  test("after the last node nothing of the old plugin is left, and Weft does all", async () => {
    await guide.operator(guide.block("delete namespace kube-flannel"));
    await guide.operator(guide.block("helm upgrade"));
    await rolledOut(cluster);
    const from = Date.now();
    await cluster.kubectl([
      "-n",
      "kube-system",
      "rollout",
      "status",
      "daemonset/weft-node",
      "--timeout=110s",
    ]);
    await clientsAreAnswered(cluster.places.nodes);
    await pathsAreAsTheGuideSays();
    assert.ok(!(await strangerGetsIn(cluster)), "Weft enforces the policy that flannel did not");
    for (const node of cluster.places.nodes) {
      const found = await checkedFromImage(node);
      assert.deepEqual([...refusals(found), ...leftovers(found)], []);
      await nothingIsLeftOn(node);
      await namesAreFoundFrom(cluster, node.host.name);
    }
    const found = await checkedCluster();
    assert.deepEqual([...refusals(found), ...leftovers(found)], []);
    const { status, stdout } = await weftStatus(cluster);
    assert.equal(status, 0, stdout);
    lossesAre(from, "the end");
  });

  /** Pods reach the pods of their own half; and whoever they are, all nodes and the outside. */
  async function pathsAreAsTheGuideSays(): Promise<void> {
    const nodes = cluster.places.nodes.map(({ host }) => host.name);
    for (const node of nodes) {
      const half = nodes.filter((other) => moved.has(other) === moved.has(node));
      const wanted = [
        ...nodes.map((other) => `node ${other}`),
        "outside",
        ...half.map((other) => `pod ${other}`),
      ];
      let reached: readonly string[] = [];
      await until(
        `${node} reaches something`,
        async () => {
          reached = await reachedFrom(cluster, node);
          return reached.length >= wanted.length;
        },
        { limitMs: 60_000 },
      ).catch(() => undefined);
      assert.deepEqual(reached, wanted.toSorted(), `what pods of ${node} reach`);
    }
    await clientsAreAnswered(cluster.places.nodes);
  }

  async function podsHaveTheirAddresses(): Promise<void> {
    await until("every pod has an address of its node's plugin", async () =>
      (await Promise.all(["server", "client", "web"].map((app) => podsOf(cluster, app))))
        .flat()
        .every(({ node, address }) => (moved.has(node) ? ofWeft : ofOldPlugin).test(address)),
    );
  }

  async function deleteOldPods(node: string): Promise<void> {
    const { items } = v.parse(
      podsSchema,
      JSON.parse(
        await cluster.kubectl(["get", "pods", "-A", "-o", "json", `--field-selector=spec.nodeName=${node}`]),
      ),
    );
    for (const { metadata, spec, status } of items)
      if (spec.hostNetwork !== true && ofOldPlugin.test(status.podIP ?? ""))
        await cluster.kubectl(["-n", metadata.namespace, "delete", "pod", metadata.name]);
  }

  /** What the clients have lost since then, by the half that they are in. */
  function lossesAre(from: number, when: string): void {
    for (const node of cluster.places.nodes) {
      const { sent, lost, longestGapMs } = asked(node, from, Date.now());
      say(`${when}: the client on ${node.host.name} lost ${lost} of ${sent}; longest gap ${longestGapMs} ms`);
    }
  }

  const checkedFromImage = async (node: NodePlaces): Promise<Report> => {
    const command = guide
      .block("ctr -n k8s.io run")
      // Where the cluster's end finds it.
      .replace("k8s.io run", `k8s.io run --cgroup ${node.cgroup}/check`);
    return reportIn(await guide.onNode(node, `${command} -o json || true`));
  };

  const checkedByAgent = async (node: string): Promise<Report> => {
    const [pod = ""] = guide.block("exec $POD -c agent -- weft node uplink", node).split("\n");
    const [command = ""] = guide.block("weft check node --cni-conf-dir", node).split("\n");
    return reportIn(await guide.operator(`${pod}\n${command} -o json || true`));
  };

  async function checkedCluster(): Promise<Report> {
    const ranges = `--cluster-cidr ${podRange} --service-cidr ${cluster.places.layout.serviceCidrs.join()}`;
    return reportIn(await guide.operator(`bin/weft check cluster ${ranges} --timeout 20 -o json || true`));
  }

  async function nothingIsLeftOn(node: NodePlaces): Promise<void> {
    const ask = async (...argv: readonly string[]): Promise<string> => run(inNode(node, argv));
    assert.equal((await ask("ls", "/etc/cni/net.d")).trim(), "10-weft.conflist");
    assert.doesNotMatch(await ask("ip", "-o", "link", "show"), /cni0|flannel/);
    assert.doesNotMatch(await ask("ip", "route", "show", "table", "all"), /10\.244\.|cni0|flannel/);
    assert.doesNotMatch(await ask("nft", "list", "ruleset"), /kube-proxy|flannel|10\.244\./);
  }
});

const podsSchema = v.object({
  items: v.array(
    v.object({
      metadata: v.object({ name: v.string(), namespace: v.string() }),
      spec: v.object({ hostNetwork: v.optional(v.boolean()) }),
      status: v.object({
        podIP: v.optional(v.string()),
      }),
    }),
  ),
});

const reportSchema = v.object({
  findings: v.array(v.object({ severity: v.string(), what: v.string() })),
});
type Report = v.InferOutput<typeof reportSchema>;

const reportIn = (printed: string): Report => v.parse(reportSchema, JSON.parse(printed));

/** But for what is this machine's: its kernel has no modules. */
const refusals = ({ findings }: Report): readonly string[] =>
  findings
    .filter(({ severity, what }) => severity === "refusal" && !what.startsWith("the kernel has no module"))
    .map(({ what }) => what);

const leftovers = ({ findings }: Report): readonly string[] =>
  findings
    .filter(({ severity, what }) => severity === "warning" && /flannel|kube-proxy/.test(what))
    .map(({ what }) => what)
    .toSorted();

const nodesSchema = v.object({
  items: v.array(
    v.object({
      metadata: v.object({ name: v.string() }),
      spec: v.object({ taints: v.optional(v.array(v.object({ key: v.string() })), []) }),
    }),
  ),
});

/** Nodes on which nothing is scheduled, and by which taint. */
const unavailable = (printed: string): readonly string[] =>
  v
    .parse(nodesSchema, JSON.parse(printed))
    .items.flatMap(({ metadata, spec }) => spec.taints.map(({ key }) => `${metadata.name} ${key}`));
