import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type LearnedAddress, type LearnedName, learnedObjectName } from "../kube/learnedName.ts";
import { Ledger } from "./ledger.ts";
import { limits } from "./limits.ts";

type Pairs = readonly (readonly [ip: string, untilMs: number])[];
const name = "www.example.com";
const learned = (pairs: Pairs): Map<string, LearnedAddress> =>
  new Map(pairs.map(([ip, untilMs]) => [ip, { name, untilMs }]));
const object = (generation: number, inForce: number, pairs: Pairs, uid = "1"): LearnedName => ({
  kind: "LearnedName",
  ...{ namespace: "", name: learnedObjectName(name), uid, resourceVersion: String(generation) },
  ...{ labels: {}, annotations: {}, deletionTimestamp: undefined },
  ...{ pattern: name, generation, inForce, addresses: learned(pairs) },
});
const ips = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, nth) => `192.0.${nth >> 8}.${nth & 255}`);

test("a new address is written at once, and is in force when its generation is", () => {
  const ledger = new Ledger();
  ledger.take(object(1, 1, []), 0);
  assert.equal(ledger.hear(learned([["192.0.2.1", 70_000]]), 0), "now");
  assert.deepEqual(ledger.changes(0).addresses, learned([["192.0.2.1", 70_000]]));
  assert.ok(!ledger.isInForce(["192.0.2.1"], 0));
  ledger.take(object(2, 1, [["192.0.2.1", 70_000]]), 10);
  assert.ok(!ledger.isInForce(["192.0.2.1"], 10));
  ledger.take(object(2, 2, [["192.0.2.1", 70_000]]), 20);
  assert.ok(ledger.isInForce(["192.0.2.1"], 20));
});

test("a longer time for a known address is written when half a minute is left, and holds nothing up", () => {
  const ledger = new Ledger();
  ledger.take(object(1, 1, [["192.0.2.1", 300_000]]), 0);
  assert.equal(ledger.hear(learned([["192.0.2.1", 330_000]]), 30_000), "later");
  assert.ok(ledger.isInForce(["192.0.2.1"], 30_000));
  assert.equal(ledger.hear(learned([["192.0.2.1", 580_000]]), 280_000), "now");
  ledger.take(object(2, 1, [["192.0.2.1", 580_000]]), 281_000);
  assert.ok(ledger.isInForce(["192.0.2.1"], 281_000));
  assert.equal(ledger.hear(learned([["192.0.2.1", 400_000]]), 290_000), "nothing");
  assert.equal(ledger.changes(290_000).addresses.size, 0);
});

test("an address that comes back after its time has to be put in force again", () => {
  const ledger = new Ledger();
  ledger.take(object(1, 1, [["192.0.2.1", 60_000]]), 0);
  assert.ok(ledger.isInForce(["192.0.2.1"], 0));
  ledger.hear(learned([["192.0.2.1", 200_000]]), 100_000);
  ledger.take(object(2, 1, [["192.0.2.1", 200_000]]), 100_010);
  assert.ok(!ledger.isInForce(["192.0.2.1"], 100_010));
});

test("a new object of the name has to be put in force anew", () => {
  const ledger = new Ledger();
  ledger.take(object(5, 5, [["192.0.2.1", 60_000]]), 0);
  ledger.take(object(1, 0, [["192.0.2.1", 60_000]], "2"), 0);
  assert.ok(!ledger.isInForce(["192.0.2.1"], 0));
});

test("what another resolver has written is not written again, and what it shortened is", () => {
  const ledger = new Ledger();
  ledger.take(object(1, 1, []), 0);
  ledger.hear(learned([["192.0.2.1", 70_000]]), 0);
  ledger.take(object(2, 1, [["192.0.2.1", 80_000]]), 0);
  assert.equal(ledger.changes(0).addresses.size, 0);
  ledger.hear(learned([["192.0.2.1", 90_000]]), 0);
  ledger.take(object(3, 1, [["192.0.2.1", 85_000]]), 0);
  assert.deepEqual(ledger.changes(0).addresses, learned([["192.0.2.1", 90_000]]));
});

test("expired addresses are removed a minute after their time", () => {
  const ledger = new Ledger();
  ledger.take(object(1, 1, [["192.0.2.1", 60_000]]), 0);
  assert.equal(ledger.changes(119_999).addresses.size, 0);
  assert.deepEqual(ledger.changes(120_000).addresses, new Map([["192.0.2.1", undefined]]));
});

test("of more addresses than a name may have, the newest stay, and nobody waits for the others", () => {
  const ledger = new Ledger();
  const old = ips(limits.ofName).map((ip) => [ip, 100_000] as const);
  ledger.take(object(1, 1, old), 0);
  ledger.hear(learned([["198.51.100.1", 200_000]]), 0);
  const { addresses, beyond } = ledger.changes(0);
  assert.equal(beyond, 1);
  assert.deepEqual(
    [...addresses].map(([ip, one]) => [ip, one?.untilMs]),
    [
      ["198.51.100.1", 200_000],
      [old.at(-1)?.[0], undefined],
    ],
  );
  const huge = new Ledger();
  huge.take(object(1, 1, []), 0);
  const all = ips(4000);
  huge.hear(learned(all.map((ip) => [ip, 100_000])), 0);
  const written = huge.changes(0).addresses;
  assert.deepEqual([...written.keys()], all.slice(0, limits.ofName));
  huge.take(
    object(
      2,
      2,
      [...written.keys()].map((ip) => [ip, 100_000]),
    ),
    0,
  );
  assert.ok(huge.isInForce(all, 0));
});

test("whatever two resolvers hear and write in whatever order, no address outlasts what was heard of it", () => {
  const step = fc.record({
    who: fc.nat(1),
    ip: fc.constantFrom(...ips(4)),
    lastsMs: fc.integer({ min: 60_000, max: 400_000 }),
    waitMs: fc.nat(90_000),
    writes: fc.boolean(),
    sees: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ledgers = [new Ledger(), new Ledger()] as const;
      const heard = new Map<string, number>();
      let stored = object(1, 1, []);
      let nowMs = 0;
      for (const { who, ip, lastsMs, waitMs, writes, sees } of steps) {
        nowMs += waitMs;
        const ledger = ledgers[who === 0 ? 0 : 1];
        ledger.hear(learned([[ip, nowMs + lastsMs]]), nowMs);
        heard.set(ip, Math.max(heard.get(ip) ?? 0, nowMs + lastsMs));
        if (writes) {
          const next = new Map(stored.addresses);
          for (const [key, one] of ledger.changes(nowMs).addresses)
            if (one) next.set(key, one);
            else next.delete(key);
          stored = { ...stored, generation: stored.generation + 1, addresses: next };
        }
        if (sees) for (const one of ledgers) one.take(stored, nowMs);
        for (const [key, { untilMs }] of stored.addresses) assert.ok(untilMs <= (heard.get(key) ?? 0));
      }
      // Once both have seen and written everything, nothing that was heard and still counts is missing.
      for (const one of [...ledgers, ...ledgers]) {
        one.take(stored, nowMs);
        const next = new Map(stored.addresses);
        for (const [key, learnt] of one.changes(nowMs).addresses)
          if (learnt) next.set(key, learnt);
          else next.delete(key);
        stored = { ...stored, addresses: next };
      }
      for (const [key, untilMs] of heard)
        if (untilMs > nowMs) assert.ok((stored.addresses.get(key)?.untilMs ?? 0) > nowMs, key);
    }),
  );
});
