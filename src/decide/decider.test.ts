import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import { podNetworkAnnotation, podNetworkOf } from "../kube/annotations.ts";
import { formatCidr, formatIp, parseCidr } from "../model/ip.ts";
import { annotations, namesOf } from "../model/names.ts";
import { podNetworkAt } from "../model/network.ts";
import type { PodPlace } from "../model/places.ts";
import type { NodeRows } from "../observe/nodeRows.ts";
import { PortRows } from "../observe/rowAddressesFixture.ts";
import { Api, aNode, aPod, settled } from "./decidedFixture.ts";
import { Decider } from "./decider.ts";
import type { Decision } from "./decision.ts";

async function decider(
  api: Api,
  {
    pods = ["10.244.0.0/16"],
    rows = new PortRows(),
    nodeRows = [],
  }: { pods?: string[]; rows?: PortRows; nodeRows?: readonly NodeRows[] } = {},
): Promise<Decider> {
  const network = clusterNetwork({ pods, services: [], join: defaultJoin });
  const options = { network, names: namesOf("demo"), rows, patch: api.patch };
  const deciding = new Decider(options);
  await deciding.adopt({ nodes: api.nodes, pods: api.pods, poolRows: [], nodeRows });
  return deciding;
}

function ready<T>(decision: Decision<T>): T {
  assert.equal(decision.state, "ready");
  return decision.state === "ready" ? decision.value : assert.fail();
}

const texts = ({ network }: PodPlace): readonly string[] => network.addresses.map(formatCidr);

test("a node is ready once its choice is written, before the watch has shown it", async () => {
  const api = new Api();
  const node = aNode("n1", { internalIps: ["172.30.0.11"] });
  api.put(node);
  const deciding = await decider(api);
  const first = deciding.nodeLives.decide(node);
  assert.equal(first.state, "pending");
  assert.equal(deciding.node("n1"), undefined);
  if (first.state === "pending") await first.written;
  const resolved = ready(deciding.nodeLives.decide(node));
  assert.deepEqual([resolved.id, resolved.subnets.map(formatCidr)], [2, ["10.244.0.0/24"]]);
  assert.deepEqual(resolved.hostAddresses.map(formatIp), ["172.30.0.11"]);
  assert.deepEqual(api.node("n1").annotations, {
    [annotations.nodeId]: "2",
    [annotations.nodeSubnets]: '{"default":["10.244.0.0/24"]}',
  });
  ready(deciding.nodeLives.decide(api.node("n1")));
  assert.equal(api.writes, 1);
});

test("a pod waits for its node, and asks the API server once however often it is asked about", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const deciding = await decider(api);
  assert.equal(deciding.podLives.decide(api.pod("web-1")).state, "waiting");
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  const pod = api.pod("web-1");
  assert.equal(deciding.podLives.decide(pod).state, "pending");
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(pod)))), ["10.244.0.3/24"]);
  assert.equal(api.writes, 2);
});

test("host-network and finished pods get no address", async () => {
  const deciding = await decider(new Api());
  for (const change of [
    { hostNetwork: true },
    { phase: "Succeeded" as const },
    { phase: "Failed" as const },
  ]) {
    assert.deepEqual(deciding.podLives.decide(aPod("web-1", change)), { state: "none" });
  }
});

test("a write that fails is written again with the same choice", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const deciding = await decider(api);
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  api.away = true;
  await assert.rejects(
    settled(() => deciding.podLives.decide(api.pod("web-1"))),
    /no answer/,
  );
  api.away = false;
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(api.pod("web-1"))))), [
    "10.244.0.3/24",
  ]);
});

test("an annotation that somebody removes is put back", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const deciding = await decider(api);
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  ready(deciding.podLives.decide(api.pod("web-1")));
  api.put({ ...api.pod("web-1"), annotations: {}, resourceVersion: "9" });
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  assert.deepEqual(podNetworkOf(api.pod("web-1"))?.addresses.map(formatCidr), ["10.244.0.3/24"]);
});

test("a restart decides nothing anew", async () => {
  const api = new Api();
  api.put(aNode("n1"), aNode("n2"), aPod("web-1"), aPod("web-2", { nodeName: "n2" }));
  const before = await decider(api);
  for (const name of ["n2", "n1"]) await settled(() => before.nodeLives.decide(api.node(name)));
  for (const name of ["web-1", "web-2"]) await settled(() => before.podLives.decide(api.pod(name)));
  const { writes } = api;
  const after = await decider(api);
  const stranger = aNode("n0");
  api.put(stranger);
  assert.equal(ready(await settled(() => after.nodeLives.decide(stranger))).id, 4);
  for (const name of ["n1", "n2"]) {
    const node = ready(after.nodeLives.decide(api.node(name)));
    assert.deepEqual(node.subnets, before.node(name)?.subnets);
  }
  for (const name of ["web-1", "web-2"]) {
    assert.deepEqual(
      ready(after.podLives.decide(api.pod(name))),
      ready(before.podLives.decide(api.pod(name))),
    );
  }
  assert.equal(api.writes, writes + 1);
});

const subnet = (text: string) => parseCidr(text) ?? assert.fail(text);
const subnets = (text: string) => ({ [annotations.nodeSubnets]: text });

test("of two nodes that state one subnet and one id the first keeps them, the other is decided again", async () => {
  const api = new Api();
  const doubled = { ...subnets('{"default":["10.244.7.0/24"]}'), [annotations.nodeId]: "9" };
  api.put(aNode("n2", { annotations: doubled }), aNode("n1", { annotations: doubled }));
  const deciding = await decider(api);
  const [second, first] = [
    ready(await settled(() => deciding.nodeLives.decide(api.node("n2")))),
    ready(await settled(() => deciding.nodeLives.decide(api.node("n1")))),
  ];
  assert.deepEqual([first.id, first.subnets.map(formatCidr)], [9, ["10.244.7.0/24"]]);
  assert.deepEqual([second.id, second.subnets.map(formatCidr)], [10, ["10.244.8.0/24"]]);
});

const proven = (node: string, text: string, id?: number, chassis?: string): NodeRows => ({
  node,
  subnets: [subnet(text)],
  id,
  chassis,
  hostAddresses: [],
  shared: [],
  isControlPlane: false,
});

test("after a restart a node keeps what its rows prove, whoever states it, and a liar gets its own back", async () => {
  const api = new Api();
  const stolen = { ...subnets('{"default":["10.244.7.0/24"]}'), [annotations.nodeId]: "9" };
  // The liar's name sorts first.
  api.put(aNode("n1", { annotations: stolen }), aNode("n2", { annotations: stolen }));
  const nodeRows = [proven("n1", "10.244.3.0/24", 5), proven("n2", "10.244.7.0/24", 9)];
  const deciding = await decider(api, { nodeRows });
  const lie = deciding.nodeLives.decide(api.node("n1"));
  assert.equal(
    lie.state === "pending" && lie.distrusted,
    "10.244.7.0/24 is not its subnet, but 10.244.3.0/24",
  );
  const [first, second] = [
    ready(await settled(() => deciding.nodeLives.decide(api.node("n1")))),
    ready(await settled(() => deciding.nodeLives.decide(api.node("n2")))),
  ];
  assert.deepEqual([first.id, first.subnets.map(formatCidr)], [5, ["10.244.3.0/24"]]);
  assert.deepEqual([second.id, second.subnets.map(formatCidr)], [9, ["10.244.7.0/24"]]);
});

test("a Node that was registered again while nobody led gets the subnet of its rows", async () => {
  const api = new Api();
  api.put(aNode("n1"), aNode("n2"));
  const deciding = await decider(api, { nodeRows: [proven("n2", "10.244.0.0/24", 2)] });
  const [first, second] = [
    ready(await settled(() => deciding.nodeLives.decide(api.node("n1")))),
    ready(await settled(() => deciding.nodeLives.decide(api.node("n2")))),
  ];
  assert.deepEqual([first.id, first.subnets.map(formatCidr)], [3, ["10.244.1.0/24"]]);
  assert.deepEqual([second.id, second.subnets.map(formatCidr)], [2, ["10.244.0.0/24"]]);
});

test("the subnet of a node without an object is nobody else's before its rows are gone", async () => {
  const api = new Api();
  api.put(aNode("n1", { annotations: subnets('{"default":["10.244.1.0/24"]}') }));
  const deciding = await decider(api, {
    pods: ["10.244.0.0/23/24"],
    nodeRows: [proven("gone", "10.244.1.0/24")],
  });
  const node = ready(await settled(() => deciding.nodeLives.decide(api.node("n1"))));
  assert.deepEqual(node.subnets.map(formatCidr), ["10.244.0.0/24"]);
  api.put(aNode("n2"));
  assert.equal(deciding.nodeLives.decide(api.node("n2")).state, "refused");
  deciding.nodeLives.release("gone");
  const next = ready(await settled(() => deciding.nodeLives.decide(api.node("n2"))));
  assert.deepEqual(next.subnets.map(formatCidr), ["10.244.1.0/24"]);
});

test("a node whose last pod ends keeps its subnet while rows of it are left", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const deciding = await decider(api, { pods: ["10.244.0.0/24"] });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  deciding.nodeLives.gone("n1");
  deciding.podLives.release("shop", "web-1", "uid-web-1");
  api.put(aNode("n2"));
  assert.equal(deciding.nodeLives.decide(api.node("n2")).state, "refused");
  deciding.nodeLives.release("n1");
  ready(await settled(() => deciding.nodeLives.decide(api.node("n2"))));
});

const onChassis = (name: string, chassis: string) =>
  aNode(name, { annotations: { [annotations.nodeChassisId]: chassis } });

test("of two nodes with one chassis the one that has rows keeps it, and the other keeps its own or has none", async () => {
  const api = new Api();
  // Both liars' names sort first.
  api.put(onChassis("a-new", "c1"), onChassis("a-old", "c1"), onChassis("n1", "c1"));
  const nodeRows = [proven("a-old", "10.244.3.0/24", 5, "c0"), proven("n1", "10.244.7.0/24", 9, "c1")];
  const { nodeLives: lives } = await decider(api, { nodeRows });
  assert.equal((await settled(() => lives.decide(api.node("a-new")))).state, "waiting");
  assert.equal(lives.get("a-new"), undefined);
  assert.equal(ready(await settled(() => lives.decide(api.node("a-old")))).chassisId, "c0");
  assert.equal(ready(await settled(() => lives.decide(api.node("n1")))).chassisId, "c1");
  const clash = lives.clash(api.node("a-new"));
  assert.equal(clash?.holder, "n1");
  assert.match(clash?.reason ?? "", /^nodes n1 and a-new have one system-id, c1, .* On a-new: ovs-vsctl set/);
  assert.equal(lives.clash(api.node("n1")), undefined);
  const refused = async (name: string) => {
    await lives.answer(api.node(name));
    return api.node(name).annotations[annotations.refusedChassis];
  };
  const writes = api.writes;
  assert.deepEqual(
    [await refused("a-new"), await refused("a-old"), await refused("n1")],
    ["c1", "c1", undefined],
  );
  await refused("a-new");
  assert.equal(api.writes, writes + 2);
  const { annotations: known } = api.node("a-new");
  api.put({ ...api.node("a-new"), annotations: { ...known, [annotations.nodeChassisId]: "c3" } });
  assert.equal(await refused("a-new"), "");
});

test("a node that has no chassis of its own any more is unknown, and is back with another one", async () => {
  const api = new Api();
  api.put(aNode("n1"), onChassis("n0", "c1"));
  const { nodeLives: lives } = await decider(api);
  for (const name of ["n0", "n1"]) ready(await settled(() => lives.decide(api.node(name))));
  const state = (chassis: string) =>
    api.put({
      ...api.node("n1"),
      annotations: { ...api.node("n1").annotations, ...onChassis("", chassis).annotations },
    });
  state("c1");
  assert.equal(lives.decide(api.node("n1")).state, "waiting");
  assert.equal(lives.get("n1"), undefined);
  state("c2");
  assert.equal(ready(lives.decide(api.node("n1"))).chassisId, "c2");
  // What it has given up another node may have.
  state("c3");
  assert.equal(ready(lives.decide(api.node("n1"))).chassisId, "c3");
  api.put(onChassis("n2", "c2"));
  assert.equal(ready(await settled(() => lives.decide(api.node("n2")))).chassisId, "c2");
});

test("a node whose chassis annotation somebody removes keeps its chassis", async () => {
  const api = new Api();
  api.put(onChassis("n1", "c1"));
  const { nodeLives: lives } = await decider(api);
  ready(await settled(() => lives.decide(api.node("n1"))));
  const { [annotations.nodeChassisId]: _, ...others } = api.node("n1").annotations;
  assert.equal(ready(lives.decide({ ...api.node("n1"), annotations: others })).chassisId, "c1");
});

test("malformed annotations of a node are decided again", async () => {
  const api = new Api();
  api.put(aNode("n1", { annotations: { ...subnets('{"default":7}'), [annotations.nodeId]: "one" } }));
  const deciding = await decider(api);
  const node = ready(await settled(() => deciding.nodeLives.decide(api.node("n1"))));
  assert.deepEqual([node.id, node.subnets.map(formatCidr)], [2, ["10.244.0.0/24"]]);
});

test("a node whose subnet is in no configured range is refused, not renumbered", async () => {
  const api = new Api();
  api.put(aNode("n1", { annotations: subnets('{"default":["10.200.0.0/24"]}') }));
  const decision = (await decider(api)).nodeLives.decide(api.node("n1"));
  assert.equal(decision.state, "refused");
  assert.match(
    "reason" in decision ? decision.reason : "",
    /^node n1: its subnet 10\.200\.0\.0\/24 is not in any configured pod range/,
  );
  assert.equal(api.writes, 0);
});

test("a node whose own address lies in the pod ranges is refused", async () => {
  const api = new Api();
  api.put(aNode("n1", { internalIps: ["10.244.9.9"] }));
  const deciding = await decider(api);
  const decision = await settled(() => deciding.nodeLives.decide(api.node("n1")));
  assert.match(
    "reason" in decision ? decision.reason : "",
    /^node n1: its own network 10\.244\.9\.9\/32 overlaps/,
  );
});

test("a cluster that gets a second family keeps every node's first subnet", async () => {
  const api = new Api();
  api.put(
    aNode("n1", { annotations: { ...subnets('{"default":["10.244.7.0/24"]}'), [annotations.nodeId]: "9" } }),
  );
  const deciding = await decider(api, { pods: ["10.244.0.0/16", "fd00:10:244::/48"] });
  const node = ready(await settled(() => deciding.nodeLives.decide(api.node("n1"))));
  assert.deepEqual(node.subnets.map(formatCidr), ["10.244.7.0/24", "fd00:10:244::/64"]);
});

test("a pod that copies another's annotation gets an address of its own, with a reason", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const deciding = await decider(api);
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  const thief = aPod("thief", { annotations: api.pod("web-1").annotations });
  api.put(thief);
  const decision = deciding.podLives.decide(thief);
  assert.equal(decision.state === "pending" && decision.distrusted, "10.244.0.3 is another pod's");
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(thief)))), ["10.244.0.4/24"]);
  assert.deepEqual(podNetworkOf(api.pod("thief"))?.addresses.map(formatCidr), ["10.244.0.4/24"]);
});

test("after a restart the pod whose row has the address keeps it, even if a thief's name sorts first", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const before = await decider(api);
  await settled(() => before.nodeLives.decide(api.node("n1")));
  await settled(() => before.podLives.decide(api.pod("web-1")));
  api.put(aPod("a-thief", { annotations: api.pod("web-1").annotations }));
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:03 10.244.0.3"], "uid-web-1");
  const after = await decider(api, { rows });
  await settled(() => after.nodeLives.decide(api.node("n1")));
  assert.deepEqual(texts(ready(after.podLives.decide(api.pod("web-1")))), ["10.244.0.3/24"]);
  assert.deepEqual(texts(ready(await settled(() => after.podLives.decide(api.pod("a-thief"))))), [
    "10.244.0.4/24",
  ]);
});

const stating = (offset: number, name = "web-1") =>
  aPod(name, { annotations: podNetworkAnnotation(podNetworkAt([subnet("10.244.0.0/24")], offset)) });

test("an annotation alone gives a pod no address, neither a new pod nor after a restart", async () => {
  const api = new Api();
  api.put(aNode("n1"), stating(9, "early"));
  const deciding = await decider(api);
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  api.put(stating(8, "late"));
  const lie = deciding.podLives.decide(api.pod("late"));
  assert.equal(
    lie.state === "pending" && lie.distrusted,
    "nothing but the annotation says that the pod has 10.244.0.8/24",
  );
  const given = [];
  for (const name of ["late", "early"])
    given.push(texts(ready(await settled(() => deciding.podLives.decide(api.pod(name))))).join());
  assert.deepEqual(given, ["10.244.0.3/24", "10.244.0.4/24"]);
});

test("an address that was freed is not to be had by annotation, whatever the name of the pod", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const rows = new PortRows();
  const deciding = await decider(api, { rows });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:03 10.244.0.3"], "uid-web-1");
  const { annotations: copied } = api.pod("web-1");
  api.objects.clear();
  const again = aPod("web-1", { uid: "uid-again", annotations: copied });
  const other = aPod("other", { annotations: copied });
  api.put(aNode("n1"), again, other);
  // The row of the first pod is still there for one of them, and gone for the other.
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(again)))), ["10.244.0.4/24"]);
  rows.delete("row");
  deciding.podLives.release("shop", "web-1", "uid-web-1");
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(other)))), ["10.244.0.5/24"]);
});

test("after a restart a pod keeps the address of its row, whatever its annotation has become", async () => {
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:07 10.244.0.7"], "uid-web-1");
  for (const pod of [aPod("web-1"), stating(9), stating(7)]) {
    const api = new Api();
    api.put(aNode("n1"), pod);
    const deciding = await decider(api, { rows });
    await settled(() => deciding.nodeLives.decide(api.node("n1")));
    assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(pod)))), ["10.244.0.7/24"]);
  }
});

test("if the rows are lost, a running pod keeps the addresses that its kubelet reports", async () => {
  const api = new Api();
  const podIps = ["10.244.0.7", "fd00:10:244::7"];
  api.put(aNode("n1"), { ...stating(9), podIps }, aPod("a-new", {}));
  const deciding = await decider(api, { pods: ["10.244.0.0/16", "fd00:10:244::/48"] });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  const running = ready(await settled(() => deciding.podLives.decide(api.pod("web-1"))));
  assert.deepEqual(texts(running), ["10.244.0.7/24", "fd00:10:244::7/64"]);
  const fresh = ready(await settled(() => deciding.podLives.decide(api.pod("a-new"))));
  assert.deepEqual(texts(fresh), ["10.244.0.8/24", "fd00:10:244::8/64"]);
});

test("a kubelet cannot report an address of another node, nor one that another pod has", async () => {
  const api = new Api();
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:03 10.244.0.3"], "uid-web-1");
  api.put(aNode("n1"), aPod("web-1"));
  api.put(aPod("far", { podIps: ["10.244.1.5"] }), aPod("near", { podIps: ["10.244.0.3"] }));
  api.put(aPod("odd", { podIps: ["169.254.169.254"] }), aPod("part", { podIps: ["10.244.0.9", "fd00::9"] }));
  const deciding = await decider(api, { rows });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  const given = [];
  for (const name of ["far", "near", "odd", "part", "web-1"])
    given.push(texts(ready(await settled(() => deciding.podLives.decide(api.pod(name))))).join());
  assert.deepEqual(given, [
    "10.244.0.4/24",
    "10.244.0.5/24",
    "10.244.0.6/24",
    "10.244.0.7/24",
    "10.244.0.3/24",
  ]);
});

test("a full subnet refuses one pod and goes on when another is released", async () => {
  const api = new Api();
  api.put(aNode("n1"), ...["a", "b", "c", "d", "e"].map((name) => aPod(name)));
  const deciding = await decider(api, { pods: ["10.244.0.0/16/29"] });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  for (const name of ["a", "b", "c", "d"])
    ready(await settled(() => deciding.podLives.decide(api.pod(name))));
  const refused = deciding.podLives.decide(api.pod("e"));
  assert.match(
    "reason" in refused ? refused.reason : "",
    /^pod shop\/e: no address left in 10\.244\.0\.0\/29/,
  );
  deciding.podLives.release("shop", "b", "uid-b");
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(api.pod("e"))))), [
    "10.244.0.4/29",
  ]);
});

test("several lives of one pod name are told apart, even those known only from a restart or a failed write", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const before = await decider(api);
  await settled(() => before.nodeLives.decide(api.node("n1")));
  await settled(() => before.podLives.decide(api.pod("web-1")));
  const after = await decider(api);
  await settled(() => after.nodeLives.decide(api.node("n1")));
  assert.deepEqual(after.podLives.former("shop", "web-1", "uid-web-1"), []);
  assert.deepEqual(after.podLives.former("shop", "web-1", undefined), ["uid-web-1"]);
  await assert.rejects(
    settled(() => after.podLives.decide(aPod("web-1", { uid: "uid-again" }))),
    /not found/,
  );
  assert.deepEqual(after.podLives.former("shop", "web-1", "uid-again"), ["uid-web-1"]);
  for (const uid of after.podLives.former("shop", "web-1", undefined))
    after.podLives.release("shop", "web-1", uid);
  assert.deepEqual(after.podLives.former("shop", "web-1", undefined), []);
});

test("a node that comes back while its pods live gets its subnet back", async () => {
  const api = new Api();
  api.put(aNode("n1"), aNode("n2"), aPod("web-1"));
  const deciding = await decider(api, { pods: ["10.244.0.0/23/24"] });
  for (const name of ["n1", "n2"]) await settled(() => deciding.nodeLives.decide(api.node(name)));
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  deciding.nodeLives.gone("n1");
  deciding.nodeLives.release("n1");
  assert.equal(deciding.node("n1"), undefined);
  api.put(aNode("n3"));
  assert.equal(deciding.nodeLives.decide(api.node("n3")).state, "refused");
  const reborn = aNode("n1", { uid: "uid-again" });
  api.put(reborn);
  assert.deepEqual(ready(await settled(() => deciding.nodeLives.decide(reborn))).subnets.map(formatCidr), [
    "10.244.0.0/24",
  ]);
  // The late news that the first object's rows are gone no longer matters.
  deciding.nodeLives.release("n1");
  assert.ok(deciding.node("n1"));
  deciding.nodeLives.gone("n1");
  deciding.nodeLives.release("n1");
  deciding.podLives.release("shop", "web-1", "uid-web-1");
  assert.deepEqual(
    ready(await settled(() => deciding.nodeLives.decide(api.node("n3")))).subnets.map(formatCidr),
    ["10.244.0.0/24"],
  );
});

test("whatever fails, restarts, dies and is copied, no two living pods are ever ready with one address", async () => {
  const step = fc.record({
    pod: fc.integer({ min: 0, max: 7 }),
    what: fc.constantFrom("ask", "ask while away", "die", "copy", "restart"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const api = new Api();
      api.put(aNode("n1"));
      let deciding = await decider(api, { pods: ["10.244.0.0/16/29"] });
      await settled(() => deciding.nodeLives.decide(api.node("n1")));
      let lives = 0;
      for (const { pod: number, what } of steps) {
        const name = `p${number}`;
        const pod = api.pods.find((candidate) => candidate.name === name);
        if (what === "die") {
          if (pod) api.objects.delete(pod.uid);
          for (const uid of deciding.podLives.former("shop", name, undefined))
            deciding.podLives.release("shop", name, uid);
        } else if (what === "restart") {
          deciding = await decider(api, { pods: ["10.244.0.0/16/29"] });
          await settled(() => deciding.nodeLives.decide(api.node("n1")));
        } else {
          const stolen = what === "copy" ? (api.pods.at(0)?.annotations ?? {}) : {};
          const asked = pod ?? aPod(name, { uid: `uid-${lives++}`, annotations: stolen });
          api.put(asked);
          api.away = what === "ask while away";
          const answer = settled(() => deciding.podLives.decide(asked));
          await answer.catch((error: unknown) => assert.match(String(error), /no answer/));
          api.away = false;
        }
        const held = new Set<string>();
        for (const living of api.pods) {
          const decision = deciding.podLives.decide(living);
          if (decision.state === "pending") await decision.written;
          if (decision.state !== "ready") continue;
          for (const text of texts(decision.value)) {
            assert.equal(held.has(text), false, `${text} doubled`);
            held.add(text);
          }
        }
      }
    }),
    { numRuns: 150 },
  );
});
