import assert from "node:assert/strict";
import { test } from "node:test";
import { Interner } from "../kube/intern.ts";
import { serviceOf } from "../kube/project.ts";
import { ownerOf } from "../model/owner.ts";
import type { FloatingRow } from "../observe/floatingRows.ts";
import { NotNow } from "./errors.ts";
import { aWorld, World } from "./floatingFixture.ts";

test("a FloatingAddress gets an address of each family that pools have, and leads to its pod", async () => {
  const world = aWorld();
  world.pool("six", ["fd00:172:30::210/128"]);
  world.floating("one", { podName: "web" });
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210,fd00:172:30::210 ▶ web@n1 Serving");
  assert.deepEqual(world.told, [
    "FloatingAddress one: 172.30.0.210 and fd00:172:30::210 lead to pod web on node n1",
  ]);
  await world.decide("one");
  assert.equal(world.writes, 1, "nothing new, nothing written");
});

test("it waits for its pod with its address, and follows a pod that is made again elsewhere", async () => {
  const world = aWorld();
  world.floating("one", { podName: "later" });
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ - NoPod");
  world.pod("later", "10.244.0.9");
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ later@n1 Serving");
  world.noPod("later");
  await world.decide("one");
  world.pod("later", "10.244.1.9", { node: "n2", uid: "another" });
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ later@n2 Serving");
});

test("an address may be asked for, and is refused with a reason where it may not be had", async () => {
  const world = aWorld({ serviceAllocation: { namespaces: ["shop"] } });
  const service = {
    metadata: { namespace: "shop", name: "lb", uid: "u", resourceVersion: "1" },
    spec: { type: "LoadBalancer", clusterIP: "10.96.0.7", ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: [{ ip: "172.30.0.211" }] } },
  };
  const object = serviceOf(service, new Interner()) ?? assert.fail();
  world.stores.Service.apply([{ type: "put", object }]);
  const asked: readonly (readonly [string, object])[] = [
    ["a", { podName: "web", addresses: ["172.30.0.212"] }],
    ["b", { podName: "web", addresses: ["172.30.0.212"] }],
    ["c", { podName: "web", addresses: ["172.30.0.211"] }],
    ["d", { podName: "web", addresses: ["203.0.113.9"] }],
    ["e", { podName: "web", addressPool: "none" }],
    ["f", { podName: "web", addresses: ["172.30.0.300"] }],
    ["g", { podName: "web", podSelector: {} }],
    ["h", {}],
    ["i", { podName: "web", addresses: ["172.30.0.210", "172.30.0.211"] }],
  ];
  for (const [name, spec] of asked) world.floating(name, spec);
  world.floating("z", { podName: "web", addresses: ["172.30.0.210"] }, { namespace: "bank" });
  await world.decide(...asked.map(([name]) => name), "bank/z");
  assert.deepEqual(world.told, [
    "FloatingAddress a: 172.30.0.212 leads to pod web on node n1",
    "FloatingAddress b: NoAddress: it asks for 172.30.0.212, which FloatingAddress shop/a has",
    "FloatingAddress c: NoAddress: it asks for 172.30.0.211, which Service shop/lb has",
    "FloatingAddress d: NoAddress: it asks for 203.0.113.9, which is in no IPAddressPool that serves this namespace",
    "FloatingAddress e: NoAddress: it asks for the IPAddressPool none, which does not exist, is not usable or does not serve namespace shop",
    'FloatingAddress f: Malformed: "172.30.0.300" is no address: write 192.0.2.10 or 2001:db8::10',
    "FloatingAddress g: Malformed: it has both spec.podName and spec.podSelector: keep one of them",
    "FloatingAddress h: Malformed: it names no pod: write spec.podName or spec.podSelector",
    "FloatingAddress i: Malformed: it asks for two addresses of one family: ask for one of each",
    "FloatingAddress z: NoAddress: it asks for 172.30.0.210, which is in no IPAddressPool that serves this namespace",
  ]);
  assert.equal(world.of("z", "bank"), "- ▶ - NoAddress");
});

test("an address that somebody else translates in OVN is not taken", async () => {
  const world = aWorld();
  world.others = "172.30.0.210";
  world.floating("one", { podName: "web" });
  world.floating("two", { podName: "web", addresses: ["172.30.0.210"] });
  await world.decide("one", "two");
  assert.equal(world.of("one"), "172.30.0.211 ▶ web@n1 Serving");
  assert.match(world.told.at(-1) ?? "", /which a translation in OVN that is not Weft's has/);
});

test("when all are taken the next one is told, and what is asked for anew is kept until it is there", async () => {
  const world = aWorld();
  for (const name of ["a", "b", "c", "d"]) world.floating(name, { podName: "nobody" });
  await world.decide("a", "b", "c", "d");
  assert.equal(world.of("d"), "- ▶ - NoAddress");
  assert.match(world.told.at(-1) ?? "", /d: NoAddress: no IPv4 address is left in front/);
  world.floating(
    "a",
    { podName: "web", addresses: ["172.30.0.211"] },
    { status: { addresses: ["172.30.0.210"] } },
  );
  await world.decide("a");
  assert.equal(world.of("a"), "172.30.0.210 ▶ web@n1 NoAddress", "b has it, so a keeps what it has");
  world.drop("b");
  await world.decide("b", "a", "d");
  assert.equal(world.of("a"), "172.30.0.211 ▶ web@n1 Serving");
  assert.equal(world.of("d"), "172.30.0.210 ▶ - NoPod");
});

test("a selector leads to the pod that has it for as long as that is there", async () => {
  const world = aWorld();
  const labels = { app: "db" };
  world.pod("db-1", "10.244.0.11", { labels });
  world.floating("one", { podSelector: { matchLabels: labels } });
  await world.decide("one");
  world.pod("db-0", "10.244.0.10", { labels });
  world.pod("db-2", "10.244.0.12", { labels, namespace: "bank" });
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ db-1@n1 Serving");
  assert.match(world.told.at(-1) ?? "", /selects 1 more, which have no part in it/);
  world.restart();
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ db-1@n1 Serving");
  world.noPod("db-1");
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ db-0@n1 Serving");
});

test("a pod has one FloatingAddress, the first; it moves when the name in the spec does", async () => {
  const world = aWorld();
  world.pod("other", "10.244.1.4", { node: "n2" });
  world.floating("one", { podName: "web" });
  world.floating("two", { podName: "web" });
  await world.decide("one", "two");
  assert.equal(world.of("two"), "172.30.0.211 ▶ - PodRefused");
  world.floating("one", { podName: "other" }, { status: { addresses: ["172.30.0.210"] } });
  await world.decide("one", "two");
  assert.deepEqual(
    [world.of("one"), world.of("two")],
    ["172.30.0.210 ▶ other@n2 Serving", "172.30.0.211 ▶ web@n1 Serving"],
  );
});

test("pods in their host's network and nodes without a way out are refused", async () => {
  const world = aWorld();
  world.pool("six", ["fd00:172:30::210/128"]);
  world.pod("host", "172.30.0.11", { spec: { hostNetwork: true } });
  world.pod("four", "10.244.3.3", { node: "n4" });
  world.floating("host", { podName: "host" });
  world.floating("four", { podName: "four" });
  await world.decide("host", "four");
  assert.deepEqual(world.told, [
    "FloatingAddress host: PodRefused: pod host is in its host's network, and has the node's addresses",
    "FloatingAddress four: NoAddress: no IPv6 address is left in six: add addresses to spec.addresses of the pool, or delete FloatingAddresses or Services",
  ]);
  world.floating("four", { podName: "four", addresses: ["172.30.0.212"] });
  world.drop("host");
  world.floating("six", { podName: "four", addresses: ["fd00:172:30::210"] });
  await world.decide("host", "six");
  assert.equal(world.of("six"), "fd00:172:30::210 ▶ four@n4 NoGateway");
});

test("a status that somebody has patched is written again while the leader lives", async () => {
  const world = aWorld();
  world.floating("one", { podName: "web" });
  await world.decide("one");
  world.floating(
    "one",
    { podName: "web" },
    { status: { addresses: ["172.30.0.11"], podName: "x", nodeName: "n2" } },
  );
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ web@n1 Serving");
});

test("at a start rows count, then what could be asked for; the rest of a status is a lie", async () => {
  const world = aWorld({ serviceAllocation: { namespaces: ["shop"] } });
  const row = (name: string, outer: string, inner: string): FloatingRow => ({
    owner: ownerOf("floatingaddress", name, "shop"),
    ...{ outer, inner },
  });
  // The pool was larger once.
  world.rows = [row("shrunk", "172.30.0.240", "10.244.0.3"), row("robbed", "172.30.0.212", "10.244.0.4")];
  world.pod("other", "10.244.0.4");
  const states = (addresses: readonly string[], podName: string) => ({
    status: { addresses, podName, podUID: `uid-of-${podName}`, nodeName: "n1" },
  });
  world.floating("shrunk", { podName: "web" }, states([], "web"));
  world.floating("robbed", { podName: "other" }, states(["172.30.0.210"], "other"));
  world.floating("a-thief", { podName: "other" }, states(["172.30.0.212"], "other"));
  world.floating("a-node", { podName: "nobody" }, states(["172.30.0.11"], "nobody"));
  world.floating("reserved", { podName: "nobody" }, states(["172.30.0.211"], "nobody"));
  world.floating("liar", { podName: "web" }, { ...states(["172.30.0.210"], "web"), namespace: "bank" });
  await world.decide("a-thief", "a-node", "bank/liar", "reserved", "robbed", "shrunk");
  assert.equal(world.of("shrunk"), "172.30.0.240 ▶ web@n1 Serving");
  assert.equal(world.of("robbed"), "172.30.0.212 ▶ other@n1 Serving");
  assert.doesNotMatch(world.of("a-thief"), /212|▶ other/);
  assert.doesNotMatch(world.of("a-node"), /172\.30\.0\.11/);
  assert.equal(world.of("reserved"), "172.30.0.211 ▶ - NoPod");
  assert.equal(world.of("liar", "bank"), "- ▶ - NoAddress");
});

test("a pool that has become unusable costs nobody an address at a start", async () => {
  const world = aWorld();
  world.floating("one", { podName: "away" });
  await world.decide("one");
  world.pool("front", ["172.30.0.210-172.30.0.212", "172.30.0.2l9"]);
  world.restart();
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ - NoPod");
});

test("a write that fails changes nothing, and gives the address to nobody else meanwhile", async () => {
  const world = aWorld();
  world.floating("one", { podName: "web" });
  world.refuseWrites = true;
  await assert.rejects(world.decide("one"));
  world.refuseWrites = false;
  world.floating("two", { podName: "web", addresses: ["172.30.0.210"] });
  await world.decide("two");
  assert.equal(world.of("two"), "172.30.0.210 ▶ web@n1 Serving");
});

test("a pool that does not exist takes no address away, and the object says that it asks for it", async () => {
  const world = aWorld();
  world.floating("one", { podName: "web" });
  await world.decide("one");
  const { given } = world.stores.FloatingAddress.get("shop", "one") ?? assert.fail();
  world.floating(
    "one",
    { podName: "web", addressPool: "fornt" },
    { status: { addresses: given.ips, podName: "web", podUID: "uid-of-web", nodeName: "n1" } },
  );
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ web@n1 Serving");
  assert.match(
    world.told.at(-1) ?? "",
    /; it asks for the IPAddressPool fornt, which does not exist, and keeps/,
  );
});

test("where nobody serves such addresses, each object says so", async () => {
  const world = aWorld();
  world.unserved = "floating addresses are not served here";
  world.floating("one", { podName: "web" });
  await world.decide("one");
  assert.equal(world.of("one"), "- ▶ - NotServed");
  world.unserved = undefined;
  await world.decide("one");
  world.unserved = "the router has lost its gateway";
  await world.decide("one");
  assert.equal(world.of("one"), "172.30.0.210 ▶ web@n1 NotServed", "it keeps it until there is another one");
});

test("a pod asks by annotation: an object is made for it, follows the annotation, and is nobody else's", async () => {
  const world = new World();
  const asking = (value: string, more: object = {}) => ({
    annotations: { "weft.io/floating-address": value, ...more },
  });
  world.pod("any", "10.244.0.3", asking("any", { "weft.io/address-pool": " " }));
  world.pod("wants", "10.244.0.4", asking("172.30.0.211, fd00::7", { "weft.io/address-pool": "front" }));
  world.pod("wrong", "10.244.0.5", asking("yes"));
  world.pod("host", "172.30.0.11", { ...asking("any"), spec: { hostNetwork: true } });
  world.pod("long", "10.244.0.6", asking("any", { "weft.io/address-pool": "No Pool" }));
  await world.decide("any", "wants", "wrong", "host", "long");
  assert.deepEqual(world.made, ["+any - any", "+wants front 172.30.0.211,fd00::7"]);
  assert.deepEqual(world.told, [
    'Pod wrong: Malformed: weft.io/floating-address: "yes" is no address: write 192.0.2.10 or 2001:db8::10, or any',
    "Pod host: NotServed: weft.io/floating-address: a pod in its host's network has the node's addresses: remove the annotation",
    'Pod long: Malformed: weft.io/address-pool: "No Pool" is no name of an IPAddressPool',
  ]);
  const made = (pod: string) => ({
    metadata: { ownerReferences: [{ kind: "Pod", controller: true, uid: `uid-of-${pod}`, name: pod }] },
  });
  world.made.length = 0;
  world.floating("any", { podName: "any" }, made("any"));
  await world.decide("any");
  assert.deepEqual(world.made, []);
  assert.deepEqual(world.told.slice(3), [
    "FloatingAddress any: NoAddress: there is no usable IPAddressPool (weft.io): an operator has to make one",
    "Pod any: NoAddress: there is no usable IPAddressPool (weft.io): an operator has to make one",
  ]);
  world.pod("any", "10.244.0.3", asking("172.30.0.210"));
  await world.decide("any");
  world.pod("any", "10.244.0.3");
  await world.decide("any");
  assert.deepEqual(world.made, ["-any", "-any"]);
  world.noPod("any");
  await world.decide("any");
  assert.equal(world.made.length, 2, "the garbage collector does that");
  world.floating("wants", { podName: "another" });
  await world.decide("wants");
  assert.match(
    world.told.join("\n"),
    /Pod wants: NotServed: .*a FloatingAddress wants that somebody else has made/,
  );
  assert.equal(world.made.length, 2);
});

test("a pod that asks where the kind is not defined is told once, and asked for again", async () => {
  const world = new World();
  world.hasNoKind = true;
  world.pod("web", "10.244.0.3", { annotations: { "weft.io/floating-address": "any" } });
  for (let attempt = 0; attempt < 2; attempt++) await assert.rejects(world.decide("web"), NotNow);
  assert.equal(world.told.length, 1);
  assert.match(world.told[0] ?? "", /Pod web: NotServed: .*has no kind FloatingAddress/);
  world.hasNoKind = false;
  await world.decide("web");
  assert.deepEqual(world.made, ["+web - any"]);
});

test("a pod that the first list leaves out keeps its address, be it named or selected, also while nobody says that it exists", async () => {
  for (const [spec, name] of [
    [{ podName: "db-0" }, "named"],
    [{ podSelector: { matchLabels: { app: "db" } } }, "selected"],
  ] as const) {
    const world = aWorld();
    world.pod("db-0", "10.244.0.11", { labels: { app: "db" } });
    world.pod("db-1", "10.244.0.10", { labels: { app: "db" } });
    world.floating(name, spec);
    await world.decide(name);
    world.rows = [
      { owner: ownerOf("floatingaddress", name, "shop"), outer: "172.30.0.210", inner: "10.244.0.11" },
    ];
    world.unlisted = [world.stores.Pod.get("shop", "db-0") ?? assert.fail()];
    world.noPod("db-0");
    const { writes } = world;
    world.restart();
    world.isSilent = true;
    await assert.rejects(
      world.decide(name),
      /db-0 had its addresses, and is not listed nor known to be gone/,
    );
    world.isSilent = false;
    await world.decide(name);
    assert.equal(world.of(name), "172.30.0.210 ▶ db-0@n1 Serving");
    assert.equal(world.writes, writes, "nothing is written");
    world.unlisted = [];
    world.noPod("db-0");
    await world.decide(name);
    assert.equal(
      world.of(name),
      name === "named" ? "172.30.0.210 ▶ - NoPod" : "172.30.0.210 ▶ db-1@n1 Serving",
    );
  }
});
