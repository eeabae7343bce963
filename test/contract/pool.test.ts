// A node with a pool of ready ports, on real Open vSwitch and OVN: pods get their ports from the node's own database, and
// what is in it stays true through whatever happens to agent, database, API server and the rows themselves.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { list, record, text } from "../../src/kube/json.ts";
import { vswitch } from "../../src/ovn/vswitch.gen.ts";
import { Transaction } from "../../src/ovsdb/index.ts";
import { privateName } from "../real/privateName.ts";
import type { PluginRun, TestPod } from "./agentWorld.ts";
import { buildPoolWorld, type PoolWorld } from "./poolWorld.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-pool-test-"));
let world: PoolWorld;
let agent: ReturnType<PoolWorld["startAgent"]>;
const closed = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
const open = [20, 21, 22, 23, 24, 25, 26, 27, 28, 29];

before(async () => {
  const plugin = join(folder, "weft-cni");
  execFileSync(fileURLToPath(new URL("../../src/cni/build.sh", import.meta.url)), [plugin]);
  world = await buildPoolWorld(privateName("pool"), plugin);
  agent = world.startAgent(0);
  await world.admitNode(0);
});
after(async () => {
  await world?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const eventually = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) {
      const rows = JSON.stringify([...(await world.cache())]);
      assert.fail(`never: ${what}\n${rows}\n${world.log.slice(-40).join("")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const stateOf = async (offset: number): Promise<string> => (await world.cache()).get(offset) ?? "none";

/** How many rows there are in each state. */
const counts = async (): Promise<Readonly<Record<string, number>>> => {
  const found: Record<string, number> = {};
  for (const text of (await world.cache()).values()) {
    const [state = ""] = text.split(" ");
    found[state] = (found[state] ?? 0) + 1;
  }
  return found;
};

/** Where in the subnet the pod was put. */
function offsetOf({ exit, said }: PluginRun): number {
  assert.equal(exit, 0, JSON.stringify(said));
  const [first] = list(said?.ips).map((ip) => text(record(ip).address));
  return Number(/\.(\d+)\//.exec(first ?? "")?.[1] ?? -1);
}

const reaches = (pod: TestPod, to: string): boolean =>
  spawnSync("ip", ["netns", "exec", pod.netns, "ping", "-c1", "-W5", to], { timeout: 20_000 }).status === 0;

const killAgent = async (): Promise<void> => {
  agent.kill("SIGKILL");
  if (agent.exitCode === null && agent.signalCode === null) await once(agent, "exit");
};

test("a node serves pods once it has taken in an offer, and says that it has", async () => {
  await world.plan([...closed, ...open]);
  const early = await world.pod("early");
  await eventually(async () => {
    const { said } = await world.cni("ADD", "early", early);
    return String(said?.msg).includes("offered this node no ready port yet");
  }, "it says what it waits for");
  await world.offer({ generation: 1, closed, open });
  await world.ready(0);
  assert.deepEqual(await world.seen(({ generation }) => generation === 1), {
    generation: 1,
    used: [],
    spent: [],
  });
  assert.deepEqual(await counts(), { ready: 20 });
});

test("a pod that nothing selects gets an open port, others a closed one, and they reach each other", async () => {
  await world.policy("web", { matchLabels: { app: "web" } });
  const free = await world.pod("free");
  const selected = await world.pod("selected", { labels: { app: "web" } });
  const unproven = await world.pod("unproven", { proven: false });
  const unknown = { ...free, name: "unknown", netns: await world.makeNamespace("unknown") };
  const one = offsetOf(await world.cni("ADD", "free", free));
  assert.ok(open.includes(one), String(one));
  for (const pod of [selected, unproven, unknown]) {
    const offset = offsetOf(await world.cni("ADD", pod.name, pod));
    assert.ok(closed.includes(offset), `${pod.name}: ${offset}`);
    assert.equal(await stateOf(offset), `claimed ${pod.name}`);
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

test("an address rests after its pod; an open port is then ready, a closed one is the controller's to give", async () => {
  const pod = await world.pod("short");
  const offset = offsetOf(await world.cni("ADD", "short", pod));
  assert.equal((await world.cni("DEL", "short", pod)).exit, 0);
  assert.equal(await stateOf(offset), "resting");
  assert.equal((await world.cni("DEL", "short", pod)).exit, 0);
  await eventually(async () => (await stateOf(offset)) === "ready", "ready again");
  assert.equal((await world.cni("DEL", "unknown", pod)).exit, 0);
  const { spent, used } = await world.seen((seen) => seen.spent.length > 0);
  assert.ok(spent.every((place) => closed.includes(place) && used.includes(place)));
  for (const place of spent) assert.equal(await stateOf(place), "spent");
});

test("an agent that is killed and started again finds every claim", async () => {
  const before = await world.cache();
  await killAgent();
  agent = world.startAgent(0);
  await world.ready(0);
  assert.deepEqual(await world.cache(), before);
});

/** Every claimed row has its interface, every pod's interface its claimed row, and no port has two. */
const assertWhole = async (): Promise<void> => {
  const claimed = [...(await world.cache())].flatMap(([offset, state]) =>
    state.startsWith("claimed ") ? [`test_pool_n1_${offset}`] : [],
  );
  assert.deepEqual(await world.plugged(), claimed.toSorted());
};

/** Ends every pod, and offers a pool of so many closed and open ports, all of them ready. */
const afresh = async (generation: number, sizes: { closed: number; open: number }): Promise<void> => {
  const valid = { "cni.dev/valid-attachments": [] };
  const pod = {
    name: "none",
    uid: "none",
    node: 0,
    netns: "none",
    network: { addresses: [], mac: "", gateways: [] },
  };
  assert.equal((await world.cni("GC", "", pod, {}, valid)).exit, 0);
  await world.offer({ generation, withdrawn: [...closed, ...open] });
  await world.seen((seen) => seen.generation === generation && seen.used.length === 0);
  const offer = { closed: closed.slice(0, sizes.closed), open: open.slice(0, sizes.open) };
  await world.offer({ generation, ...offer });
  await eventually(async () => (await counts())["ready"] === sizes.closed + sizes.open, "a fresh pool");
};

test("what is withdrawn is gone at once if it is ready, and when its pod has gone and it has rested if not", async () => {
  await afresh(2, { closed: 2, open: 1 });
  const pod = await world.pod("keeps");
  const offset = offsetOf(await world.cni("ADD", "keeps", pod));
  await world.offer({ generation: 3, closed: [10], withdrawn: [11, offset] });
  assert.deepEqual(await world.seen((seen) => seen.generation === 3), {
    generation: 3,
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
  await world.seen((seen) => seen.generation === 3 && seen.used.length === 0);
  assert.equal(await stateOf(offset), "none");
});

test("a pool that is exhausted makes ADD wait for a port, and otherwise say what to do", async () => {
  await afresh(4, { closed: 1, open: 1 });
  const first = await world.pod("first", { proven: false });
  assert.equal((await world.cni("ADD", "first", first)).exit, 0);
  const second = await world.pod("second", { proven: false });
  const { said } = await world.cni("ADD", "second", second);
  assert.equal(said?.code, 11);
  assert.match(
    String(said.msg),
    /^pod default\/second: node n1 has only ports ready that let packets pass at once.*2 ports: 1 used, 0 resting after their pods, 1 ready/,
  );
  const waiting = world.cni("ADD", "second", second);
  await world.offer({ generation: 4, closed: [10, 11], open: [20] });
  assert.equal(offsetOf(await waiting), 11);
  await assertWhole();
});

test("two agents that claim at once never give one port to two pods", async () => {
  await afresh(5, { closed: 10, open: 10 });
  const { cniSocket } = world.optionsOf(0);
  const socket = `${cniSocket}-other`;
  const other = world.startAgent(0, { cniSocket: socket, healthAddress: "127.0.0.1:9411" });
  const pods = await Promise.all(Array.from({ length: 16 }, (_, index) => world.pod(`race${index}`)));
  await eventually(async () => {
    const { exit } = await world.cni("STATUS", "", pods[0] ?? assert.fail(), {}, { socket });
    return exit === 0;
  }, "the other agent is ready");
  const added = await Promise.all(
    pods.map((pod, index) => world.cni("ADD", pod.name, pod, {}, index % 2 === 0 ? {} : { socket })),
  );
  other.kill("SIGKILL");
  await once(other, "exit");
  assert.equal(new Set(added.map(offsetOf)).size, 16);
  await assertWhole();
});

test("an agent killed at any moment of twelve ADDs leaves whole claims or none, and the runtime tries again", async () => {
  let generation = 10;
  for (const delayMs of [20, 60, 120]) {
    await afresh(generation++, { closed: 10, open: 10 });
    const pods = await Promise.all(
      Array.from({ length: 12 }, (_, index) => world.pod(`kill${delayMs}-${index}`)),
    );
    const adding = Promise.all(pods.map((pod) => world.cni("ADD", pod.name, pod)));
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await killAgent();
    await adding;
    await assertWhole();
    agent = world.startAgent(0);
    await world.ready(0);
    const again = await Promise.all(pods.map((pod) => world.cni("ADD", pod.name, pod)));
    assert.equal(new Set(again.map(offsetOf)).size, 12);
    await assertWhole();
    assert.ok(pods.every((pod) => reaches(pod, "10.244.0.1")));
  }
});

test("a cache deleted or written into by hand is rebuilt from the pods that run and the offer", async () => {
  await afresh(20, { closed: 4, open: 4 });
  const pods = await Promise.all(["x", "y"].map((name) => world.pod(name)));
  const places = await Promise.all(pods.map(async (pod) => offsetOf(await world.cni("ADD", pod.name, pod))));
  const isRebuilt = async (): Promise<boolean> => {
    const cache = await world.cache();
    const ours = places.every((place, index) => cache.get(place) === `claimed ${pods[index]?.name}`);
    const { ready = 0, spent = 0, malformed = 0 } = await counts();
    return ours && malformed === 0 && ready + spent === 6 && cache.size === 8;
  };
  await world.session.transact(new Transaction(vswitch).delete("Queue", []));
  await eventually(isRebuilt, "the rows are there again");
  assert.equal((await counts())["spent"], 4, "closed ports may have been opened");

  const [first = 0] = places;
  const foreign = crypto.randomUUID();
  const doubled = crypto.randomUUID();
  const ids = (await world.session.select(vswitch, "Queue", [["_uuid", "==", world.rowOf(first)]]))[0]
    ?.external_ids;
  await world.session.transact(
    new Transaction(vswitch)
      .insert("Queue", { external_ids: new Map([["owner", "somebody"]]) }, foreign)
      .insert("Queue", { external_ids: ids ?? new Map() }, doubled)
      .update("Queue", world.rowOf(first), { external_ids: new Map() })
      .mutateMap("Queue", world.rowOf(23), "external_ids", {
        insert: new Map([["weft.io/mac", "nonsense"]]),
      }),
  );
  await eventually(async () => {
    const cache = await world.cache();
    return cache.get(foreign) === "malformed" && !cache.has(doubled) && cache.size === 9;
  }, "the doubled row is gone and the foreign one is not");
  await world.session.transact(new Transaction(vswitch).delete("Queue", foreign));
  await eventually(isRebuilt, "the rows make sense again");
  assert.equal((await world.cni("DEL", "x", pods[0] ?? assert.fail())).exit, 0);
  await assertWhole();
});

test("a cache deleted while no agent was there is rebuilt as well, and nothing of it is ready before it has rested", async () => {
  await afresh(21, { closed: 2, open: 2 });
  const pod = await world.pod("z");
  const place = offsetOf(await world.cni("ADD", "z", pod));
  await killAgent();
  await world.session.transact(new Transaction(vswitch).delete("Queue", []));
  agent = world.startAgent(0);
  await eventually(async () => (await stateOf(place)) === "claimed z", "the pod's port is claimed");
  assert.equal((await counts())["resting"], 3);
});

test("an interface that somebody removed gives its port back", async () => {
  await afresh(22, { closed: 1, open: 2 });
  const pod = await world.pod("w");
  const place = offsetOf(await world.cni("ADD", "w", pod));
  const [row] = (await world.session.select(vswitch, "Interface", [])).filter(
    ({ external_ids: ids }) => ids.get("weft.io/container") === "w",
  );
  await world.sandbox.host("n1").exec(["ovs-vsctl", "del-port", row?.name ?? ""]);
  await eventually(async () => (await stateOf(place)) === "resting", "the port rests");
});

test("with the API server away, proven pods get open ports and others closed ones, and nothing is lost", async () => {
  await afresh(23, { closed: 5, open: 5 });
  const proven = await Promise.all(["p1", "p2", "p3"].map((name) => world.pod(name)));
  const late = await world.pod("late", { proven: false });
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
    await eventually(async () => (await stateOf(places[0] ?? 0)) === "ready", "the port is ready again");
  } finally {
    thaw();
  }
  await assertWhole();
});

test("a restart of the Open vSwitch database loses no claim, and ADD goes on", async () => {
  const before = await world.cache();
  await world.sandbox.processes.stop("n1-ovsdb");
  const pod = await world.pod("after");
  assert.equal((await world.cni("ADD", "after", pod)).said?.code, 11);
  await world.sandbox.processes.restart("n1-ovsdb");
  await eventually(async () => (await world.cni("ADD", "after", pod)).exit === 0, "ADD succeeds");
  const now = await world.cache();
  for (const [offset, state] of before) if (state.startsWith("claimed")) assert.equal(now.get(offset), state);
  await assertWhole();
});
