import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr, formatIp } from "../model/ip.ts";
import { annotations } from "../model/names.ts";
import type { NodeRows } from "../observe/nodeRows.ts";
import { Api, aNode, aPod, decider, ready, settled, subnet, subnets } from "./decidedFixture.ts";

const proven = (node: string, text: string, id?: number, chassis?: string): NodeRows => ({
  node,
  subnets: [subnet(text)],
  id,
  chassis,
  hostAddresses: [],
  shared: [],
  isControlPlane: false,
  zone: undefined,
});

const onChassis = (name: string, chassis: string) =>
  aNode(name, { annotations: { [annotations.nodeChassisId]: chassis } });

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
