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
