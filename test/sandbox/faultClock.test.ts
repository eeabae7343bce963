// Wall clocks that jump under running processes: the clock of a machine that is a node and runs the leading controller,
// and the clock of the other controller. Pods, streams, resting addresses and the Lease must not notice, because all
// durations are measured with a clock that nobody can set.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";
import { dumpNorthbound, dumpSouthbound } from "./ovnDump.ts";
import { poolView, portOf } from "./poolView.ts";
import { Stream } from "./stream.ts";
import { WallClock } from "./wallClock.ts";

const dayMs = 86_400_000;
const yearMs = 365 * dayMs;
/** Wrong from the start, so that the clock can be set to an earlier time. */
const atStartMs = 3 * dayMs;
const jumps = [
  { what: "a day ahead", aheadMs: atStartMs + dayMs },
  { what: "a year ahead", aheadMs: atStartMs + dayMs + yearMs },
  { what: "back behind its start", aheadMs: 0 },
];
/** process of n1 -> its program */
const daemons: ReadonlyMap<string, string> = new Map([
  ["n1-ovsdb", "ovsdb-server"],
  ["n1-vswitchd", "ovs-vswitchd"],
  ["n1-ovn-controller", "ovn-controller"],
]);
const restMs = 3_000;
const sleepMs = 3_000;

const ns = "fault";
const metricsPort = { controller: 9411, second: 9421 } as const;
type Controller = keyof typeof metricsPort;

suite("wall clocks that jump", suiteLimit, () => {
  let cluster: Cluster;
  let stream: Stream;
  /** The clock of n1: its daemons, its agent, the controller. */
  let clock: WallClock;
  /** The clock of the other controller. */
  let other: WallClock;

  before(async () => {
    cluster = await Cluster.up({ name: "testclock", addresses: "pooled", nodes: 2 });
    const { layout, processes } = cluster.sandbox;
    clock = new WallClock(`${layout.state}/clock`, atStartMs);
    other = new WallClock(`${layout.state}/other-clock`, atStartMs);
    const given = new Map<string, readonly string[]>([
      // They log each command of ovs-appctl, and so reveal their time.
      ...[...daemons.keys()].map((name) => [name, ["-vunixctl:console:dbg"]] as const),
      ["controller", []],
      ["n1-agent", ["--rest", String(restMs / 1000)]],
    ]);
    for (const name of [...given.keys()].toReversed()) await processes.stop(name);
    for (const [name, more] of given) {
      const record = processes.record(name);
      await processes.launch(clock.on({ ...record, argv: [...record.argv, ...more] }));
    }
    const first = processes.record("controller");
    const own = ["--metrics-address", `127.0.0.1:${metricsPort.second}`];
    await processes.launch(other.on({ ...first, name: "second", argv: [...first.argv, ...own] }));
    await cluster.apply(namespace(ns));
    stream = await Stream.start(cluster, { namespace: ns, name: "stream", from: "n1", to: "n2" });
    await eventually("the second waits to lead", () => count("second", "waiting to lead") === 1);
    await eventually("the first leads", () => leads("controller"));
    for (const node of ["n1", "n2"])
      await eventually(`the pool of ${node} is settled`, async () => {
        const { offer, seen } = await poolView(cluster, node);
        return offer.withdrawn.length === 0 && seen.generation >= offer.asked;
      });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  for (const [index, { what, aheadMs }] of jumps.entries())
    test(`${what}: pods start and stop, an address rests its time, who leads leads on, and OVN's rows are as they were`, async () => {
      const contents = await rows();
      const { holder, transitions } = await lease();

      const resting = await givenBack(`before-${index}`);
      clock.set(aheadMs);
      await works(`after-${index}`, "n1");
      await becomes("the address has rested", "ready", resting.state);
      const restedMs = performance.now() - resting.sinceMs;
      assert.ok(restedMs >= restMs, `${resting.name} rested for ${restedMs} ms`);

      await eventually("the Lease is renewed at the new time", async () => isNow((await lease()).renewTime));
      await everyClockJumped();
      assert.equal((await lease()).holder, holder);
      assert.equal((await lease()).transitions, transitions);
      assert.equal(await leads("controller"), true);
      assert.equal(count("second", "leading"), 0);
      await becomes("the rows of OVN", contents, rows);
      await stream.expectNoGap();
    });

  /** The earliest time of the sleeper's last renewal. */
  let renewedAfterMs = 0;

  test("a node that sleeps for years goes on when it wakes", async () => {
    const { processes } = cluster.sandbox;
    const node = ["n1-agent", "n1-ovn-controller", "n1-vswitchd", "n1-ovsdb"];
    renewedAfterMs = await beforeRenewal();
    for (const name of ["controller", ...node]) await processes.pause(name);
    clock.set(2 * yearMs);
    await delay(sleepMs);
    // Meanwhile the second controller has seen the Lease as the sleeper left it.
    other.set(yearMs);
    for (const name of node.toReversed()) await processes.resume(name);
    await stream.expectGapOfAtMost(5 * sleepMs);
    await works("awake", "n1");
    await everyClockJumped();
  });

  test("a sleeping leader is replaced when its Lease is over, not when the other's clock has jumped", async () => {
    const { processes } = cluster.sandbox;
    const { durationMs } = await lease();
    await eventually("the second leads", () => leads("second"));
    const waitedMs = performance.now() - renewedAfterMs;
    assert.ok(waitedMs >= durationMs, `it waited ${waitedMs} ms`);
    const waits = count("controller", "waiting to lead");
    await processes.resume("controller");
    await eventually("the first waits to lead", () => count("controller", "waiting to lead") > waits);
    assert.equal(await leads("controller"), false);
    assert.equal(await leads("second"), true);
    await works("led", "n2");
    await stream.goesOn();
  });

  test("weft status is not deceived by a clock that is a year ahead of the leader's", async () => {
    const { processes } = cluster.sandbox;
    const [weft = ""] = processes.record("controller").argv;
    await becomes("healthy", 0, async () => {
      const { status } = await cluster.sandbox.host("n1").tryExec([weft, "status"], { env: clock.env });
      return status;
    });
  });

  const log = (name: string): string => readFileSync(cluster.sandbox.processes.logFile(name), "utf8");
  const count = (name: Controller, message: string): number =>
    log(name).split(`"msg":"${message}"`).length - 1;
  const leads = async (name: Controller): Promise<boolean> =>
    (await cluster.metrics("n1", metricsPort[name])).get("weft_leader") === 1;
  const isNow = (time: string): boolean => Math.abs(Date.parse(time) - clock.now()) < dayMs / 2;

  async function lease(): Promise<LeaseView> {
    const json = await cluster.kubectl(
      "get",
      "lease",
      "-n",
      "kube-system",
      `weft-${cluster.id}`,
      "-o",
      "json",
    );
    const { spec }: { readonly spec: LeaseSpec } = JSON.parse(json);
    const { holderIdentity, leaseTransitions, renewTime, leaseDurationSeconds } = spec;
    return {
      holder: holderIdentity,
      transitions: leaseTransitions,
      renewTime,
      durationMs: leaseDurationSeconds * 1000,
    };
  }

  /** A time shortly before the Lease's renewal. Resolves after the renewal. */
  async function beforeRenewal(): Promise<number> {
    const { renewTime } = await lease();
    let sinceMs = performance.now();
    await eventually("the Lease is renewed", async () => {
      const askedMs = performance.now();
      if ((await lease()).renewTime !== renewTime) return true;
      sinceMs = askedMs;
      return false;
    });
    return sinceMs;
  }

  /** Starts a pod, waits for its answer and stops it. */
  async function works(name: string, node: string): Promise<void> {
    await cluster.apply(pod({ namespace: ns, name, node }));
    await cluster.podsReady(ns, name);
    const addresses = await cluster.addressesOf(ns, name);
    assert.equal(addresses.length, 2);
    const questions = addresses.map((address): Question => ({ way: "tcp", address, port: 8080 }));
    assert.deepEqual(await cluster.failures("n2", questions), []);
    await cluster.kubectl("delete", "pod", "-n", ns, "--now", name);
  }

  /** An address of n1 that has just been released: since when, and what has happened to it. */
  async function givenBack(name: string): Promise<Resting> {
    await cluster.apply(pod({ namespace: ns, name, node: "n1" }));
    await cluster.podsReady(ns, name);
    const port = await portOf(cluster, ns, name);
    const state = (): Promise<string | undefined> => stateInCache(port.name);
    const sinceMs = performance.now();
    await cluster.kubectl("delete", "pod", "-n", ns, "--now", name);
    await becomes("the address rests", "resting", state);
    return { name: port.name, sinceMs, state };
  }

  /** The row of a port in the node's cache of ready ports. */
  async function stateInCache(port: string): Promise<string | undefined> {
    const printed = await cluster.sandbox
      .host("n1")
      .exec(["ovs-vsctl", "-f", "json", "--columns=external_ids", "list", "Queue"]);
    const { data }: { readonly data: readonly (readonly [OvsMap])[] } = JSON.parse(printed);
    const rows = data.map(([[, pairs]]) => new Map(pairs));
    return rows.find((ids) => ids.get("weft.io/port") === port)?.get("weft.io/state");
  }

  /** All rows of both databases. */
  async function rows(): Promise<readonly string[]> {
    const dumps = [await dumpNorthbound(cluster), await dumpSouthbound(cluster)];
    return dumps
      .flatMap((dump) => [...dump.values()].map(({ table, text }) => `${table} ${text}`))
      .toSorted();
  }

  /** Checks that the latest output of the daemons and the agent has the new time. */
  async function everyClockJumped(): Promise<void> {
    for (const program of daemons.values()) {
      const tool = program.startsWith("ovn") ? "ovn-appctl" : "ovs-appctl";
      await cluster.sandbox.host("n1").exec([tool, "-t", program, "version"]);
    }
    const late = [...daemons.keys(), "n1-agent"].filter((name) => {
      const times = cluster.sandbox.processes.logTail(name, 5).match(/\d{4}-\d\d-\d\dT[\d:.]+Z/g);
      return !isNow(times?.at(-1) ?? "");
    });
    assert.deepEqual(late, [], "processes with another time");
  }
});

interface LeaseSpec {
  readonly holderIdentity: string;
  readonly leaseTransitions: number;
  readonly renewTime: string;
  readonly leaseDurationSeconds: number;
}

interface LeaseView {
  readonly holder: string;
  readonly transitions: number;
  readonly renewTime: string;
  readonly durationMs: number;
}

interface Resting {
  readonly name: string;
  readonly sinceMs: number;
  readonly state: () => Promise<string | undefined>;
}

type OvsMap = readonly ["map", readonly (readonly [string, string])[]];
