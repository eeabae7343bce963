// A node with a pool of ready ports, on real Open vSwitch and OVN: how a pod gets its port from the node's own
// database, and how controller and agent agree on which ports exist.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { buildPoolWorld, closed, offsetOf, open, type PoolWorld, reaches } from "./poolWorld.ts";

let world: PoolWorld;

before(async () => {
  world = await buildPoolWorld("pool");
});
after(() => world?.[Symbol.asyncDispose]());

test("a node serves pods once it has accepted an offer, and says so", async () => {
  const early = await world.pod("early");
  await world.eventually(async () => {
    const { said } = await world.cni("ADD", "early", early);
    return String(said?.msg).includes("has not offered this node a ready port yet");
  }, "it says what it waits for");
  await world.offer({ generation: 1, closed, open });
  await world.ready(0);
  assert.deepEqual(await world.seen(({ generation }) => generation === 1), {
    line: "1",
    generation: 1,
    used: [],
    spent: [],
  });
  assert.deepEqual(await world.counts(), { ready: 20 });
});

test("an address rests after its pod; where no policy exists an open port is then ready, a closed one is the controller's to give", async () => {
  const free = await world.pod("brief");
  const strange = await world.pod("strange", { known: false });
  const one = offsetOf(await world.cni("ADD", "brief", free));
  const other = offsetOf(await world.cni("ADD", "strange", strange));
  for (const pod of [free, strange]) assert.equal((await world.cni("DEL", pod.name, pod)).exit, 0);
  assert.deepEqual([await world.stateOf(one), await world.stateOf(other)], ["resting", "resting"]);
  assert.equal((await world.cni("DEL", "brief", free)).exit, 0, "once more");
  await world.eventually(async () => (await world.stateOf(one)) === "ready", "ready again");
  const { spent, used } = await world.seen((seen) => seen.spent.length > 0);
  assert.deepEqual(spent, [other]);
  assert.ok(used.includes(other));
  assert.equal(await world.stateOf(other), "spent");
});

test("a pod that nothing selects gets an open port, others a closed one, and they reach each other", async () => {
  await world.policy("web", { matchLabels: { app: "web" } });
  const free = await world.pod("free");
  const selected = await world.pod("selected", { labels: { app: "web" } });
  const unknown = await world.pod("unknown", { known: false });
  const another = { ...free, uid: "another", netns: await world.makeNamespace("another") };
  await world.api("PUT", "/late", { metadata: { namespace: "default", name: "free", uid: "another" } });
  const one = offsetOf(await world.cni("ADD", "free", free));
  assert.ok(open.includes(one), String(one));
  for (const pod of [selected, unknown, another]) {
    const offset = offsetOf(await world.cni("ADD", `c-${pod.uid}`, pod));
    assert.ok(closed.includes(offset), `${pod.name}: ${offset}`);
    assert.equal(await world.stateOf(offset), `claimed c-${pod.uid}`);
    assert.ok(reaches(free, `10.244.0.${offset}`));
  }
  assert.ok(reaches(free, "10.244.0.1"));
});

test("a second ADD of one container, also at the same moment, has the same port", async () => {
  const pod = await world.pod("twice");
  const [one, other] = await Promise.all([world.cni("ADD", "twice", pod), world.cni("ADD", "twice", pod)]);
  assert.equal(offsetOf(one), offsetOf(other));
  assert.deepEqual(await world.cni("ADD", "twice", pod), one);
});

test("where policies exist, an open port is the controller's to give as well: they count its address as its last pod's", async () => {
  const known = await world.pod("counted");
  const offset = offsetOf(await world.cni("ADD", "counted", known));
  assert.ok(open.includes(offset));
  const thaw = world.freezeApi();
  try {
    assert.equal((await world.cni("DEL", "counted", known)).exit, 0);
    await world.eventually(async () => (await world.stateOf(offset)) === "spent", "it has rested");
  } finally {
    thaw();
  }
  assert.ok((await world.seen(({ spent }) => spent.includes(offset))).used.includes(offset));
  await world.offer({
    generation: 2,
    closed,
    open: open.filter((one) => one !== offset),
    withdrawn: [offset],
  });
  await world.seen(({ generation, used }) => generation === 2 && !used.includes(offset));
  await world.offer({ generation: 3, closed, open });
  await world.eventually(async () => (await world.stateOf(offset)) === "ready", "it is offered anew");
});

test("a withdrawn port goes at once if it is ready, otherwise once its pod is gone and it has rested", async () => {
  await world.afresh(4, { closed: 2, open: 1 });
  const pod = await world.pod("keeps");
  const offset = offsetOf(await world.cni("ADD", "keeps", pod));
  await world.offer({ generation: 5, closed: [10], withdrawn: [11, offset] });
  assert.deepEqual(await world.seen((seen) => seen.generation === 5), {
    line: "1",
    generation: 5,
    used: [offset],
    spent: [],
  });
  assert.deepEqual(
    await world.cache(),
    new Map<number | string, string>([
      [10, "ready"],
      [offset, "claimed keeps"],
    ]),
  );
  assert.ok(reaches(pod, "10.244.0.1"));
  assert.equal((await world.cni("DEL", "keeps", pod)).exit, 0);
  await world.seen((seen) => seen.generation === 5 && seen.used.length === 0);
  assert.equal(await world.stateOf(offset), "none");
});

test("a pool that is exhausted makes ADD wait for a port, and otherwise say what to do", async () => {
  await world.afresh(6, { closed: 1, open: 1 });
  const first = await world.pod("first", { known: false });
  assert.equal((await world.cni("ADD", "first", first)).exit, 0);
  const second = await world.pod("second", { known: false });
  const { said } = await world.cni("ADD", "second", second);
  assert.equal(said?.code, 11);
  assert.match(
    String(said.msg),
    /^pod default\/second: node n1 has only open ports ready, which let packets pass at once.*2 ports: 1 used, 0 resting after their pods, 1 ready/,
  );
  const waiting = world.cni("ADD", "second", second);
  await world.offer({ generation: 7, closed: [10, 11], open: [20] });
  assert.equal(offsetOf(await waiting), 11);
  await world.assertWhole();
});

test("with the API server away, proven pods get open ports and others closed ones, and nothing is lost", async () => {
  await world.afresh(23, { closed: 5, open: 5 });
  const proven = await Promise.all(["p1", "p2", "p3"].map((name) => world.pod(name)));
  const late = await world.pod("late", { known: false });
  const thaw = world.freezeApi();
  try {
    const places = await Promise.all(
      proven.map(async (pod) => offsetOf(await world.cni("ADD", pod.name, pod))),
    );
    assert.ok(
      places.every((place) => open.includes(place)),
      places.join(),
    );
    assert.ok(closed.includes(offsetOf(await world.cni("ADD", "late", late))));
    assert.ok(places.every((place) => reaches(late, `10.244.0.${place}`)));
    assert.equal((await world.cni("DEL", "p1", proven[0] ?? assert.fail())).exit, 0);
    await world.eventually(
      async () => (await world.stateOf(places[0] ?? 0)) === "spent",
      "the port waits for the controller",
    );
  } finally {
    thaw();
  }
  await world.assertWhole();
});
