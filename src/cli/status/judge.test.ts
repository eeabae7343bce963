import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod } from "../../kube/objects.ts";
import { annotations, namesOf } from "../../model/names.ts";
import { judge, type Snapshot } from "./judge.ts";
import { printed } from "./print.ts";

const meta = { namespace: "", uid: "u", resourceVersion: "1", labels: {}, deletionTimestamp: undefined };
const node: Node = {
  ...meta,
  kind: "Node",
  name: "n1",
  internalIps: ["172.30.0.11"],
  networkUnavailable: false,
  allocatable: { pods: 110, cpus: 4, memoryBytes: 8 * 2 ** 30 },
  annotations: {
    [annotations.nodeSubnets]: '{"default":["10.244.0.0/24"]}',
    [annotations.nodeChassisId]: "c1",
  },
};
const pod: Pod = {
  ...meta,
  kind: "Pod",
  namespace: "shop",
  name: "web",
  nodeName: "n1",
  hostNetwork: false,
  phase: "Running",
  podIps: ["10.244.0.5"],
  annotations: { [annotations.podNetworks]: "{}" },
};
const port = namesOf("demo").podPort("shop", "web");

function snapshot(
  change: Partial<Snapshot> = {},
  changedPod: Partial<Pod> = {},
  changedNode: Partial<Node> = {},
): Snapshot {
  return {
    cluster: "demo",
    kubernetes: {
      nodes: [{ ...node, ...changedNode }],
      pods: [{ ...pod, ...changedPod }],
      serviceCount: 1,
      leader: { holder: "n1_17", silent: false, heldDeletions: "" },
    },
    northbound: { ports: new Set([port]), nbCfg: 1, sbCfg: 1, hvCfg: 1 },
    southbound: {
      chassis: new Map([["c1", 1]]),
      nbCfg: 1,
      bindings: new Map([[port, { bound: true, up: true }]]),
    },
    ...change,
  };
}

const bindings = (bound: boolean, up: boolean): Partial<Snapshot> => ({
  southbound: { chassis: new Map([["c1", 1]]), nbCfg: 1, bindings: new Map([[port, { bound, up }]]) },
});

test("a cluster in which nothing waits is healthy", () => {
  assert.equal(judge(snapshot()).sentence, "healthy: 1 node, 1 pod, 1 Service; nothing waits");
});

const waits: readonly [string, Snapshot, string][] = [
  ["has no address", snapshot({}, { annotations: {} }), "address"],
  [
    "has no port row",
    snapshot({ northbound: { ports: new Set(), nbCfg: 1, sbCfg: 1, hvCfg: 1 } }),
    "northbound",
  ],
  [
    "northd has not seen",
    snapshot({ southbound: { chassis: new Map([["c1", 1]]), nbCfg: 1, bindings: new Map() } }),
    "southbound",
  ],
  ["no node has bound", snapshot(bindings(false, false)), "node"],
  ["has no flows yet", snapshot(bindings(true, false)), "flows"],
];
for (const [why, given, step] of waits) {
  test(`a pod that ${why} waits for the step "${step}", and the next command names it`, () => {
    const report = judge(given);
    assert.equal(report.health, "unhealthy");
    assert.equal(report.sentence, "unhealthy: 1 pod waiting for the network");
    assert.deepEqual(
      report.waiting.map((each) => each.step),
      [step],
    );
    assert.match(printed(report), /next: kubectl describe pod -n shop web$/);
  });
}

const pooledNode: Partial<Node> = {
  annotations: {
    [annotations.nodeSubnets]: '{"default":["10.244.0.0/24"]}',
    [annotations.pool]:
      '{"line":"1","from":0,"generation":1,"asked":1,"open":[[5,1],[6,2]],"closed":[],"withdrawn":[]}',
  },
};

test("a pod with a port of its node's pool is judged by that port, and a virtual machine needs no chassis", () => {
  const pooled = namesOf("demo").poolPort("n1", 5);
  const given = snapshot(
    {
      northbound: { ports: new Set([pooled]), nbCfg: 1, sbCfg: 1, hvCfg: 1 },
      southbound: { chassis: new Map(), nbCfg: 1, bindings: new Map([[pooled, { bound: true, up: true }]]) },
    },
    { annotations: {} },
    pooledNode,
  );
  const report = judge(given);
  assert.equal(report.health, "healthy");
  assert.deepEqual(report.nodes[0]?.pool, { ports: 2, used: 1 });
  assert.match(printed(report), /^n1 .* 1\/2 /m);
});

test("a pod that its node has given no port waits for the node", () => {
  const [waiting] = judge(snapshot({}, { annotations: {}, podIps: [] }, pooledNode)).waiting;
  assert.match(waiting?.why ?? "", /not given it a port from its pool: see the agent's log on n1/);
});

test("pods on the host's network, finished ones and leaving ones wait for nothing", () => {
  for (const change of [
    { hostNetwork: true },
    { phase: "Succeeded" as const },
    { deletionTimestamp: "now" },
    { nodeName: "" },
  ])
    assert.equal(judge(snapshot({}, { annotations: {}, ...change })).health, "healthy");
});

test("a node whose ovn-controller is gone, behind, or whose agent is not ready has a problem", () => {
  const gone = snapshot({
    southbound: { chassis: new Map(), nbCfg: 1, bindings: new Map([[port, { bound: true, up: true }]]) },
  });
  assert.match(judge(gone).nodes[0]?.problem ?? "", /is ovn-controller running\?/);
  assert.match(
    judge(snapshot({}, {}, { networkUnavailable: true })).nodes[0]?.problem ?? "",
    /agent is not ready/,
  );
  assert.match(judge(snapshot({}, {}, { annotations: {} })).nodes[0]?.problem ?? "", /has no subnet/);
});

test("two nodes with one system-id are both named, with the id", () => {
  const { kubernetes } = snapshot();
  assert.ok(!("unreachable" in kubernetes));
  const nodes = [...kubernetes.nodes, { ...node, name: "n2" }];
  const report = judge(snapshot({ kubernetes: { ...kubernetes, nodes } }));
  assert.equal(report.sentence, "unhealthy: 2 nodes with a problem");
  assert.deepEqual(
    report.nodes.map(({ problem }) => problem),
    ["n2", "n1"].map((twin) => `has the same system-id as ${twin}: c1; its Events say which to change`),
  );
});

test("a leader that is silent is named", () => {
  const { kubernetes, ...rest } = snapshot();
  assert.ok("nodes" in kubernetes);
  const leader = { holder: "n1_17", silent: true, heldDeletions: "" };
  assert.equal(
    judge({ ...rest, kubernetes: { ...kubernetes, leader } }).sentence,
    "unhealthy: no controller leads (n1_17 is silent)",
  );
});

test("a source that does not answer makes the answer unknown, and the rest is still judged", () => {
  const report = judge(snapshot({ southbound: { unreachable: "connection refused" } }, { annotations: {} }));
  assert.equal(report.health, "unknown");
  assert.equal(report.sentence, "cannot tell: southbound: connection refused; 1 pod waiting for the network");
  assert.equal(report.lag.southboundToNodes, undefined);
});

test("a leader that holds deletions back is unhealthy and says which", () => {
  const base = snapshot();
  assert.ok("nodes" in base.kubernetes);
  const leader = { holder: "n1_17", silent: false, heldDeletions: "deletion of 57 of 60 rows is held" };
  const report = judge({ ...base, kubernetes: { ...base.kubernetes, leader } });
  assert.equal(report.sentence, "unhealthy: the controller holds deletions back");
  assert.match(printed(report), /^held: deletion of 57 of 60 rows is held$/m);
  assert.match(printed(report), /^next: .*SIGUSR2 to the leader$/m);
});
