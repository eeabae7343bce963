import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIp, parseCidr, parseInterfaceAddress, parseIp } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import { Hosts, hostViewOf, provenHostView } from "./hosts.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const cidr = (text: string) => parseCidr(text) ?? assert.fail(text);

/** Node `n` of the test, complete, with the address 172.30.0.n unless others are given. */
const aNode = (
  n: number,
  addresses = [`172.30.0.${n}`],
  change: Partial<ResolvedNode> = {},
): ResolvedNode => ({
  name: `n${n}`,
  id: n + 1,
  subnets: [cidr(`10.244.${n}.0/24`)],
  chassisId: `c${n}`,
  gateway: {
    mac: "0a:58:ac:1e:00:0b",
    addresses: addresses.slice(0, 1).map((text) => parseInterfaceAddress(`${text}/24`) ?? assert.fail(text)),
    nextHops: [],
    mtuBytes: 1500,
  },
  hostAddresses: addresses.map(ip),
  ...change,
});
const ofControlPlane = (node: ResolvedNode): ResolvedNode => ({ ...node, isControlPlane: true });
const set = (hosts: Hosts, node: ResolvedNode) => [...hosts.set(node.name, hostViewOf(node))];
const withNodes = (...nodes: readonly ResolvedNode[]): Hosts => {
  const hosts = new Hosts([cidr("10.244.0.0/16")]);
  for (const node of nodes) set(hosts, node);
  return hosts;
};
const target = (hosts: Hosts, address: string, nodeName = ""): string =>
  formatIp(hosts.targetOf(ip(address), nodeName));

test("a node's own address is reached by its management port, once its agent has reported both", () => {
  assert.equal(target(withNodes(aNode(1)), "172.30.0.1", "n1"), "10.244.1.2");
  for (const missing of ["chassisId", "gateway"] as const) {
    const node = aNode(1, ["172.30.0.1"], { [missing]: undefined });
    assert.equal(target(withNodes(node), "172.30.0.1", "n1"), "172.30.0.1", missing);
  }
});

test("what rows prove of a node counts until the node is decided", () => {
  const hosts = withNodes();
  const rows = {
    node: "n1",
    subnets: [cidr("10.244.1.0/24")],
    id: 2,
    chassis: "c1",
    hostAddresses: ["172.30.0.1", "172.31.0.1"].map(ip),
    shared: [ip("172.30.0.1")],
    isControlPlane: true,
    zone: undefined,
  };
  hosts.set("n1", provenHostView(rows));
  assert.equal(target(hosts, "172.30.0.1"), "10.244.1.2");
  assert.equal(target(hosts, "172.31.0.1", "n1"), "172.31.0.1");
  assert.deepEqual(hosts.node("n1")?.shared, [ip("172.30.0.1")]);
  hosts.set("n1", provenHostView({ ...rows, shared: [] }));
  assert.equal(target(hosts, "172.30.0.1"), "172.30.0.1", "it has no gateway router");
  hosts.follow("service/shop/web", [ip("172.30.0.1")]);
  assert.deepEqual(set(hosts, aNode(1)), ["service/shop/web"]);
});

test("a node's second address and an address that nobody claims stay as they are", () => {
  const hosts = withNodes(aNode(1, ["172.30.0.1", "172.31.0.1"]));
  assert.equal(target(hosts, "172.31.0.1"), "172.31.0.1");
  assert.equal(target(hosts, "192.0.2.1"), "192.0.2.1");
});

test("where Kubernetes knows the node by another address than the one it leaves with, that one is replaced", () => {
  const hosts = withNodes(aNode(1, ["172.30.0.1"], { hostAddresses: ["192.168.5.1", "172.30.0.1"].map(ip) }));
  assert.equal(target(hosts, "192.168.5.1", "n1"), "10.244.1.2");
  assert.equal(target(hosts, "172.30.0.1", "n1"), "172.30.0.1");
});

test("an endpoint that names its node belongs to that node, even if another claims its address", () => {
  const hosts = withNodes(aNode(1), aNode(3, ["172.30.0.1"]), aNode(4, ["192.0.2.1"]));
  assert.equal(target(hosts, "172.30.0.1", "n1"), "10.244.1.2");
  assert.equal(target(hosts, "192.0.2.1", "n1"), "192.0.2.1");
});

test("an endpoint that names no node means a node of the control plane, and no other, whoever claims its address", () => {
  const outside = "192.0.2.1";
  assert.equal(target(withNodes(aNode(3, [outside])), outside), outside, "an address outside of the cluster");
  assert.equal(target(withNodes(aNode(1)), "172.30.0.1"), "172.30.0.1", "a node's own");
  const liar = aNode(3, ["172.30.0.1"]);
  assert.equal(target(withNodes(ofControlPlane(aNode(1)), liar), "172.30.0.1"), "10.244.1.2");
  assert.equal(target(withNodes(aNode(1), ofControlPlane(liar)), "172.30.0.1"), "10.244.3.2");
});

test("an address that two nodes of the control plane claim stays as it is unless the endpoint names one, even if only one is set up", () => {
  for (const node of [aNode(1), aNode(1, ["172.30.0.1"], { gateway: undefined })]) {
    const first = ofControlPlane(node);
    const hosts = withNodes(first, ofControlPlane(aNode(3, ["172.30.0.1"])));
    assert.equal(target(hosts, "172.30.0.1"), "172.30.0.1");
    hosts.set("n3", undefined);
    assert.equal(target(hosts, "172.30.0.1"), first.gateway ? "10.244.1.2" : "172.30.0.1");
  }
});

test("a node that becomes one of the control plane concerns the Services with its address among their endpoints", () => {
  const hosts = withNodes(aNode(1));
  hosts.follow("service/default/kubernetes", [ip("172.30.0.1")]);
  assert.deepEqual(set(hosts, ofControlPlane(aNode(1))), ["service/default/kubernetes"]);
});

test("a node that changes concerns the Services with its address among their endpoints, and no others", () => {
  const hosts = withNodes(aNode(1), aNode(2));
  hosts.follow("service/shop/a", ["172.30.0.1", "10.244.0.7"].map(ip));
  hosts.follow("service/shop/b", ["172.30.0.2", "172.30.0.1"].map(ip));
  hosts.follow("service/shop/c", [ip("10.244.0.7")]);
  assert.deepEqual(set(hosts, aNode(1)), []);
  assert.deepEqual(set(hosts, aNode(1, ["172.30.0.1"], { id: 9 })), []);
  assert.deepEqual(set(hosts, aNode(2, ["172.30.0.9"])), ["service/shop/b"]);
  assert.deepEqual(set(hosts, aNode(1, ["172.30.0.1"], { subnets: [cidr("10.244.8.0/24")] })), [
    "service/shop/a",
    "service/shop/b",
  ]);
  hosts.follow("service/shop/b", []);
  assert.deepEqual([...hosts.set("n1", undefined)], ["service/shop/a"]);
});

test("a node that claims another's address concerns the Services with that address", () => {
  const hosts = withNodes(aNode(1));
  hosts.follow("service/default/kubernetes", [ip("172.30.0.1")]);
  assert.deepEqual(set(hosts, aNode(3, ["172.30.0.3", "172.30.0.1"])), ["service/default/kubernetes"]);
});

test("who asks where clients are is planned again when a node or a zone comes or goes, and for nothing else", () => {
  const hosts = withNodes(aNode(1, undefined, { zone: "a" }));
  hosts.follow("service/shop/zones", [], [], "by zone");
  hosts.follow("service/shop/nodes", [], [], "by node");
  hosts.follow("service/shop/plain", []);
  const [zones, nodes] = ["service/shop/zones", "service/shop/nodes"];
  assert.deepEqual(set(hosts, aNode(2, undefined, { zone: "b" })), [nodes, zones]);
  assert.deepEqual(set(hosts, aNode(3, undefined, { zone: "b" })), [nodes]);
  assert.deepEqual(set(hosts, aNode(3, ["172.30.0.9"], { zone: "b" })), []);
  assert.deepEqual(set(hosts, aNode(3)), [nodes, zones]);
  assert.deepEqual(hosts.zones(), ["a", "b", undefined]);
  assert.deepEqual([...hosts.set("n2", undefined)], [nodes, zones]);
  assert.deepEqual(hosts.zones(), ["a", undefined]);
  assert.deepEqual(
    hosts.nodes().map(({ name }) => name),
    ["n1", "n3"],
  );
});
