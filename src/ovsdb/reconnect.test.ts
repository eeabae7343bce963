import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Reconnect, type ReconnectOptions } from "./reconnect.ts";

const options: ReconnectOptions = {
  remotes: 1,
  minBackoffMs: 100,
  maxBackoffMs: 800,
  connectTimeoutMs: 1000,
  probeIntervalMs: 5000,
  random: () => 1,
};

/** How long it waits after each of `count` attempts that fail at once. */
function waits(machine: Reconnect, count: number): number[] {
  let now = 0;
  return Array.from({ length: count }, () => {
    machine.connecting(now);
    machine.disconnected(now);
    const advice = machine.advise(now);
    assert(advice.action === "wait");
    const wait = advice.until - now;
    now = advice.until;
    return wait;
  });
}

test("it connects at once, and gives an attempt up when its time is over", () => {
  const machine = new Reconnect(options, 0);
  assert.deepEqual(machine.advise(0), { action: "connect" });
  machine.connecting(0);
  assert.deepEqual(machine.advise(0), { action: "wait", until: 1000 });
  assert.equal(machine.advise(1000).action, "disconnect");
});

test("the wait doubles from failure to failure up to its limit", () => {
  assert.deepEqual(waits(new Reconnect(options, 0), 6), [100, 200, 400, 800, 800, 800]);
});

test("with several remotes the wait doubles only after each had its turn", () => {
  assert.deepEqual(
    waits(new Reconnect({ ...options, remotes: 3 }, 0), 7),
    [100, 100, 100, 200, 200, 200, 400],
  );
});

test("half of the wait is left to chance", () => {
  assert.deepEqual(waits(new Reconnect({ ...options, random: () => 0 }, 0), 3), [50, 100, 200]);
});

test("a connection that held starts the waits over, one that fell at once does not", () => {
  const machine = new Reconnect(options, 0);
  waits(machine, 4);
  machine.connecting(10_000);
  machine.connected(10_000);
  machine.disconnected(10_010);
  assert.deepEqual(machine.advise(10_010), { action: "wait", until: 10_810 });
  machine.connecting(20_000);
  machine.connected(20_000);
  machine.disconnected(29_000);
  assert.deepEqual(machine.advise(29_000), { action: "wait", until: 29_100 });
});

test("a silent server is probed, and given up when it stays silent", () => {
  const machine = new Reconnect(options, 0);
  machine.connecting(0);
  machine.connected(0);
  machine.received(3000);
  assert.deepEqual(machine.advise(3000), { action: "wait", until: 8000 });
  assert.deepEqual(machine.advise(8000), { action: "probe" });
  machine.probed(8000);
  assert.deepEqual(machine.advise(8000), { action: "wait", until: 13_000 });
  assert.equal(machine.advise(13_000).action, "disconnect");
});

/** Connects at `now` to a server that says nothing. Returns how long it waits for it. */
function silence(machine: Reconnect, now: number): number {
  machine.connecting(now);
  machine.connected(now);
  const patience = machine.advise(now);
  assert(patience.action === "wait");
  machine.probed(patience.until);
  const end = machine.advise(patience.until);
  assert(end.action === "wait");
  assert.equal(machine.advise(end.until).action, "disconnect");
  machine.disconnected(end.until);
  return end.until - now;
}

test("after each silence it is twice as patient, until a probe is answered", () => {
  const machine = new Reconnect(options, 0);
  assert.deepEqual(
    [0, 1e6, 2e6, 3e6, 4e6, 5e6].map((now) => silence(machine, now)),
    [10_000, 20_000, 40_000, 80_000, 160_000, 160_000],
  );
  machine.connecting(6e6);
  machine.connected(6e6);
  machine.probed(6e6 + 80_000);
  machine.received(6e6 + 81_000);
  machine.disconnected(6e6 + 82_000);
  assert.equal(silence(machine, 7e6), 10_000);
});

test("a server that always has something to say makes it as impatient as it was, though no probe is sent", () => {
  const machine = new Reconnect(options, 0);
  for (const now of [0, 1e6]) silence(machine, now);
  const talk = (since: number, forMs: number): void => {
    machine.connecting(since);
    machine.connected(since);
    for (let ms = 0; ms <= forMs; ms += 3000) machine.received(since + ms);
    machine.disconnected(since + forMs);
  };
  talk(2e6, 39_000);
  assert.equal(silence(machine, 3e6), 40_000, "it has not talked for as long as a silence may last");
  talk(4e6, 81_000);
  assert.equal(silence(machine, 5e6), 10_000);
});

test("any byte answers a probe", () => {
  const machine = new Reconnect(options, 0);
  machine.connecting(0);
  machine.connected(0);
  machine.probed(5000);
  machine.received(5001);
  assert.deepEqual(machine.advise(5001), { action: "wait", until: 10_001 });
});

test("without a probe interval it waits for ever", () => {
  const machine = new Reconnect({ ...options, probeIntervalMs: 0 }, 0);
  machine.connecting(0);
  machine.connected(0);
  assert.deepEqual(machine.advise(1e9), { action: "wait", until: Number.POSITIVE_INFINITY });
});

test("whatever happens, it never waits for a moment that has passed, and never waits too long", () => {
  const event = fc.constantFrom("connecting", "connected", "received", "probed", "disconnected");
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(3000))), (events) => {
      const machine = new Reconnect(options, 0);
      let now = 0;
      for (const [name, pause] of events) {
        now += pause;
        machine[name](now);
        const advice = machine.advise(now);
        // A silence doubles the patience, four times at most.
        if (advice.action === "wait") assert(advice.until > now && advice.until <= now + 5000 * 16);
      }
    }),
  );
});
