// A node's pool of ready ports stays consistent whatever happens to agents, database and interfaces, and to the rows
// themselves: no port ever belongs to two pods, and none is lost.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { poolSeenAnnotation } from "../../src/kube/annotations.ts";
import { vswitch } from "../../src/ovn/vswitch.gen.ts";
import { Transaction } from "../../src/ovsdb/index.ts";
import { buildPoolWorld, closed, offsetOf, open, type PoolWorld, reaches } from "./poolWorld.ts";

let world: PoolWorld;

before(async () => {
  world = await buildPoolWorld("pfault");
  await world.offer({ generation: 1, closed, open });
  await world.ready(0);
});
after(() => world?.[Symbol.asyncDispose]());

test("an agent that is killed and started again finds every claim, and changes nothing", async () => {
  for (const name of ["one", "two"]) offsetOf(await world.cni("ADD", name, await world.pod(name)));
  const before = await world.cache();
  await world.killAgent();
  await world.restartAgent();
  assert.deepEqual(await world.cache(), before);
  await world.assertWhole();
});

test("an agent that is started while the API server is away serves from its cache", async () => {
  await world.afresh(3, { closed: 2, open: 2 });
  const [early, late] = [await world.pod("early"), await world.pod("late", { known: false })];
  const first = offsetOf(await world.cni("ADD", "early", early));
  const unfreeze = world.freezeApi();
  try {
    await world.killAgent();
    await world.restartAgent();
    const place = offsetOf(await world.cni("ADD", "late", late));
    assert.ok(closed.includes(place), "of a pod it does not know it proves nothing");
    assert.ok(reaches(late, `10.244.0.${first}`));
    assert.equal((await world.cni("DEL", "early", early)).exit, 0);
    await world.assertWhole();
  } finally {
    unfreeze();
  }
  await world.offer({ generation: 4, closed: closed.slice(0, 2), open: open.slice(0, 3) });
  await world.eventually(async () => (await world.counts())["ready"] === 4, "it follows the API again");
});

test("two agents that claim at once never give one port to two pods", async () => {
  await world.afresh(5, { closed: 10, open: 10 });
  const { cniSocket } = world.optionsOf(0);
  const socket = `${cniSocket}-other`;
  const other = world.startAgent(0, { cniSocket: socket, healthAddress: "127.0.0.1:9411" });
  const pods = await Promise.all(Array.from({ length: 16 }, (_, index) => world.pod(`race${index}`)));
  await world.eventually(async () => {
    const { exit } = await world.cni("STATUS", "", pods[0] ?? assert.fail(), {}, { socket });
    return exit === 0;
  }, "the other agent is ready");
  const added = await Promise.all(
    pods.map((pod, index) => world.cni("ADD", pod.name, pod, {}, index % 2 === 0 ? {} : { socket })),
  );
  other.kill("SIGKILL");
  await once(other, "exit");
  assert.equal(new Set(added.map(offsetOf)).size, 16);
  await world.assertWhole();
});

test("an agent killed at any moment of twelve ADDs leaves whole claims or none, and the runtime tries again", async () => {
  let generation = 10;
  for (const delayMs of [20, 60, 120]) {
    await world.afresh(generation++, { closed: 10, open: 10 });
    const pods = await Promise.all(
      Array.from({ length: 12 }, (_, index) => world.pod(`kill${delayMs}-${index}`)),
    );
    const adding = Promise.all(pods.map((pod) => world.cni("ADD", pod.name, pod)));
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await world.killAgent();
    await adding;
    await world.assertWhole();
    await world.restartAgent();
    const again = await Promise.all(pods.map((pod) => world.cni("ADD", pod.name, pod)));
    assert.equal(new Set(again.map(offsetOf)).size, 12);
    await world.assertWhole();
    assert.ok(pods.every((pod) => reaches(pod, "10.244.0.1")));
  }
});

test("a cache deleted or written into by hand is rebuilt from the pods that run and the offer", async () => {
  await world.afresh(20, { closed: 4, open: 4 });
  // The agent can prove nothing about pods that it does not know, so they get closed ports.
  const pods = await Promise.all(["x", "y"].map((name) => world.pod(name, { known: false })));
  const places = await Promise.all(pods.map(async (pod) => offsetOf(await world.cni("ADD", pod.name, pod))));
  const isRebuilt = async (): Promise<boolean> => {
    const cache = await world.cache();
    const ours = places.every((place, index) => cache.get(place) === `claimed ${pods[index]?.name}`);
    const { ready, spent } = await world.counts();
    // Closed ports may have been opened for pods that nobody remembers.
    return ours && ready === 4 && spent === 2 && cache.size === 8;
  };
  await world.session.transact(new Transaction(vswitch).delete("Queue", []));
  await world.eventually(isRebuilt, "the rows are there again");

  const [first = 0] = places;
  const [row] = await world.session.select(vswitch, "Queue", [["_uuid", "==", world.rowAt(first)]]);
  const foreign = crypto.randomUUID();
  const doubled = crypto.randomUUID();
  await world.session.transact(
    new Transaction(vswitch)
      .insert("Queue", { external_ids: new Map([["owner", "somebody"]]) }, foreign)
      .insert("Queue", { external_ids: row?.external_ids ?? new Map() }, doubled)
      .update("Queue", world.rowAt(first), { external_ids: new Map() })
      .mutateMap("Queue", world.rowAt(23), "external_ids", {
        insert: new Map([["weft.io/mac", "nonsense"]]),
      }),
  );
  await world.eventually(async () => {
    const cache = await world.cache();
    return cache.get(foreign) === "malformed" && !cache.has(doubled) && cache.size === 9;
  }, "the doubled row is gone and the foreign one is not");
  await world.session.transact(new Transaction(vswitch).delete("Queue", foreign));
  await world.eventually(isRebuilt, "the rows make sense again");
  assert.equal((await world.cni("DEL", "x", pods[0] ?? assert.fail())).exit, 0);
  await world.assertWhole();
});

test("a cache deleted while no agent was there is rebuilt as well, and its closed ports are spent", async () => {
  await world.afresh(21, { closed: 2, open: 2 });
  const pod = await world.pod("z", { known: false });
  const place = offsetOf(await world.cni("ADD", "z", pod));
  await world.killAgent();
  await world.session.transact(new Transaction(vswitch).delete("Queue", []));
  await world.restartAgent();
  await world.eventually(async () => {
    const { ready, spent } = await world.counts();
    return (await world.stateOf(place)) === "claimed z" && ready === 2 && spent === 1;
  }, "the pod's port is claimed, and the others have rested");
});

test("an offer from the past is not used, not even for pods, and the controller is told of the later one", async () => {
  await world.afresh(32, { closed: 2, open: 2 });
  const before = await world.cache();
  await world.offer({ generation: 31, closed: [12, 13], open: [22, 23] });
  const annotations = poolSeenAnnotation({ line: "1", generation: 31, used: [], spent: [] });
  await world.api("PATCH", "/api/v1/nodes/n1", { metadata: { annotations } });
  await world.seen((seen) => seen.generation === 32);
  const late = await world.pod("past");
  const refused = await world.cni("ADD", "past", late);
  assert.equal(refused.said?.code, 11);
  assert.match(JSON.stringify(refused.said), /older than one already taken in/);
  assert.deepEqual(await world.cache(), before);
  // What a restarted agent remembers.
  await world.killAgent();
  await world.restartAgent();
  assert.equal((await world.cni("ADD", "past", late)).said?.code, 11);
  await world.offer({ generation: 33, withdrawn: [10, 11, 20, 21], closed: [12, 13], open: [22, 23] });
  await world.eventually(async () => (await world.cni("ADD", "past", late)).exit === 0, "ADD succeeds");
  await world.assertWhole();
});

test("an interface that somebody removed gives its port back", async () => {
  await world.afresh(40, { closed: 1, open: 2 });
  const pod = await world.pod("w", { known: false });
  const place = offsetOf(await world.cni("ADD", "w", pod));
  const [row] = (await world.session.select(vswitch, "Interface", [])).filter(
    ({ external_ids: ids }) => ids.get("weft.io/container") === "w",
  );
  await world.sandbox.host("n1").exec(["ovs-vsctl", "del-port", row?.name ?? ""]);
  await world.eventually(async () => (await world.stateOf(place)) === "spent", "the port has rested");
});

test("a restart of the Open vSwitch database loses no claim, and ADD goes on", async () => {
  const before = await world.cache();
  await world.sandbox.processes.stop("n1-ovsdb");
  const pod = await world.pod("after");
  assert.equal((await world.cni("ADD", "after", pod)).said?.code, 11);
  await world.sandbox.processes.restart("n1-ovsdb");
  await world.eventually(async () => (await world.cni("ADD", "after", pod)).exit === 0, "ADD succeeds");
  await world.session.connected();
  const now = await world.cache();
  for (const [offset, state] of before) if (state.startsWith("claimed")) assert.equal(now.get(offset), state);
  await world.assertWhole();
});
