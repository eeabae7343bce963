// Why a pod has no address and a node no ports, as `weft status` says it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gatewayConfigAnnotation } from "../../kube/annotations.ts";
import type { Node } from "../../kube/objects.ts";
import { parseInterfaceAddress } from "../../model/ip.ts";
import { annotations, namesOf } from "../../model/names.ts";
import { judge } from "./judge.ts";
import { printed } from "./print.ts";
import type { KubernetesView, NorthboundView, Snapshot } from "./snapshot.ts";
import { kubernetesOf, node, pod, pooledNode, snapshot } from "./statusFixture.ts";

/** The cluster of `snapshot`, whose pod has no address. */
function without(change: Partial<KubernetesView>, changedNode: Partial<Node> = {}): Snapshot {
  const given = snapshot({}, { annotations: {}, podIps: [] }, changedNode);
  return { ...given, kubernetes: { ...kubernetesOf(given), ...change } };
}

const silent = { holder: "n1_17", silent: true, heldDeletions: "", troubles: new Map() };
const used = { ...pod, name: "first", uid: "p1" };
const told = (uid: string, message: string) => ({ told: new Map([[uid, message]]) });
const { [annotations.nodeSubnets]: _, ...noSubnet } = node.annotations;
const condition = { reason: "VswitchdDown", message: "ovs-vswitchd is not running" };

const reasons: readonly (readonly [string, Snapshot])[] = [
  ["no controller leads", without({ leader: undefined })],
  ["no controller leads", without({ leader: silent })],
  ["there is no node n1", without({ nodes: [{ ...node, name: "n2" }] })],
  [
    "its node is not ready: ovs-vswitchd is not running",
    without({}, { networkUnavailable: true, networkCondition: condition }),
  ],
  ["its node is not ready: its agent does not say why", without({}, { networkUnavailable: true })],
  ["its node has no subnet yet: see the controller's log", without({}, { annotations: noSubnet })],
  [
    "no address left in 10.244.0.0/24",
    without(told(pod.uid, "pod shop/web: no address left in 10.244.0.0/24")),
  ],
  [
    "its node has no ports for pods: no port has its MAC",
    without({ nodes: [{ ...node, uid: "n" }], ...told("n", "node n1: no port has its MAC") }),
  ],
  [
    "all 2 ports of its node's pool are in use",
    without(
      {
        pods: [
          { ...used, annotations: {}, podIps: ["10.244.0.5"] },
          { ...used, annotations: {}, podIps: ["10.244.0.6"] },
          { ...pod, annotations: {}, podIps: [] },
        ],
      },
      pooledNode,
    ),
  ],
  ["its node has not given it a port from its pool: see the agent's log on n1", without({}, pooledNode)],
  ["see its Events and the controller's log", without({})],
];
for (const [reason, given] of reasons)
  test(`a pod without an address: ${reason}`, () => {
    const waiting = judge(given).waiting.filter(({ step }) => step === "address");
    assert.deepEqual(
      waiting.map(({ pod: name, why }) => [name, why]),
      [["shop/web", `has no address: ${reason}`]],
    );
  });

const mac = "0a:58:ac:1f:00:0b";
const address = parseInterfaceAddress("172.31.0.11/24") ?? assert.fail();
const card = gatewayConfigAnnotation(
  { mac, addresses: [address], nextHops: [], mtuBytes: 1500 },
  { bridge: "br-ex", uplink: "eth0" },
);

test("a machine whose card's port is gone says which, and how to make it again", () => {
  const pooled = namesOf("demo").poolPort("n1", 5);
  const northbound: NorthboundView = {
    clusters: new Set(["demo"]),
    ports: new Set([pooled]),
    foreignPorts: new Set<string>(),
    nestedIn: new Map([[pooled, "vif-n1"]]),
    nbCfg: 1,
    sbCfg: 1,
    hvCfg: 1,
  };
  const annotated = { annotations: { ...pooledNode.annotations, ...card } };
  const judged = (ports: readonly string[]) =>
    judge(snapshot({ northbound: { ...northbound, ports: new Set([pooled, ...ports]) } }, {}, annotated));
  const problem = "the port vif-n1 of its network card is missing in the cloud, so its pods are cut off";
  const cut = judged([]);
  assert.equal(cut.nodes[0]?.problem, problem);
  assert.match(
    printed(cut),
    new RegExp(`lsp-add SWITCH vif-n1 -- lsp-set-addresses vif-n1 '${mac} 172\\.31\\.0\\.11'$`),
  );
  assert.equal(judged(["vif-n1"]).nodes[0]?.problem, undefined);
});

test("a machine for whose card the controller finds no port says what it looked for", () => {
  const reason = `no port of tenant's networks has its MAC ${mac} and its addresses`;
  const { [annotations.nodeChassisId]: _none, ...bare } = { ...node.annotations, ...card };
  const given = without({
    nodes: [{ ...node, annotations: bare, uid: "n" }],
    ...told("n", `node n1: ${reason}`),
  });
  const report = judge(given);
  assert.equal(
    report.sentence,
    `unhealthy: 1 node with a problem (n1: ${reason}), 1 pod waiting for the network`,
  );
  assert.equal(report.next, `in the cloud: ovn-nbctl show | grep -B1 -i '${mac}'`);
});

test("a node that could not write its ports is a problem with another help than one that has lost its way out", () => {
  const networkDegraded = { reason: "PortsNotWritten", message: "the table is full" };
  const report = judge(snapshot({}, {}, { networkDegraded }));
  assert.equal(report.sentence, "unhealthy: 1 node with a problem (n1: the table is full)");
  assert.match(report.next, /^on n1: nft list ruleset; ovs-ofctl dump-flows br-ex/);
});
