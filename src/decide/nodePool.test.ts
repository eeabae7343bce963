import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isAsLate, type PoolOffer, type PoolPort, type PoolSeen } from "../model/pool.ts";
import { NodePool, type PoolInputs, type PortSource } from "./nodePool.ts";
import { marksFor, mostPorts } from "./poolSize.ts";

const marks = { low: 2, high: 6 };
const nothing = { line: "a", from: 0, generation: 1, asked: 1 };
const room = { ports: 40, because: "the test says so" };

/** Places and tags in order. Each is given out once until it is returned. */
class Source implements PortSource {
  readonly taken = new Set<number>();

  take(foreign: ReadonlySet<number>): PoolPort | undefined {
    let offset = 3;
    while (this.taken.has(offset) || foreign.has(offset)) offset++;
    this.taken.add(offset);
    return { offset, tag: offset };
  }

  release({ offset }: PoolPort): void {
    assert.ok(this.taken.delete(offset), "given back twice");
  }
}

let late = 0;
/** Each call is so much later than the one before that everything has rested. */
const inputs = (change: Partial<PoolInputs> = {}): PoolInputs => ({
  marks,
  most: room,
  inUse: new Set(),
  seen: undefined,
  isReady: () => true,
  foreignTags: new Set(),
  now: (late += 60_000),
  ...change,
});
const offsets = (ports: readonly PoolPort[]): readonly number[] => ports.map(({ offset }) => offset);
const seen = (
  generation: number,
  used: readonly number[] = [],
  spent: readonly number[] = [],
  line = "a",
): PoolSeen => ({
  line,
  generation,
  used,
  spent,
});

/** A pool that has filled itself and offered everything. */
function filled(): NodePool {
  const pool = new NodePool(new Source(), "a", undefined);
  pool.next(inputs());
  pool.next(inputs());
  return pool;
}

test("a port is offered only when OVN carries it", () => {
  const pool = new NodePool(new Source(), "a", undefined);
  pool.next(inputs({ isReady: () => false }));
  assert.equal(pool.ports.length, 8);
  assert.deepEqual(pool.offer, { ...nothing, open: [], closed: [], withdrawn: [] });
  pool.next(inputs({ isReady: ({ offset }) => offset === 3 }));
  assert.deepEqual(offsets(pool.offer.closed), [3]);
});

test("a pool that falls below the low mark is filled to the middle, each kind by itself", () => {
  const pool = filled();
  assert.deepEqual([pool.offer.closed.length, pool.offer.open.length], [4, 4]);
  const used = new Set(offsets(pool.offer.open).slice(0, 2));
  pool.next(inputs({ inUse: used }));
  assert.equal(pool.ports.length, 8, "two are left, which is not below two");
  used.add(pool.offer.open[2]?.offset ?? 0);
  pool.next(inputs({ inUse: used }));
  assert.equal(pool.ports.length, 11);
});

test("above the high mark ports are withdrawn, and go once the agent has acknowledged it", () => {
  const pool = filled();
  const used = new Set(offsets(pool.offer.open));
  for (let round = 0; round < 2; round++) pool.next(inputs({ inUse: used }));
  assert.equal(pool.offer.open.length, 8);
  pool.next(inputs());
  assert.deepEqual([pool.offer.open.length, pool.offer.withdrawn.length], [4, 4]);
  const { generation, asked } = pool.offer;
  assert.equal(asked, generation);
  pool.next(inputs({ seen: seen(generation - 1) }));
  assert.equal(pool.ports.length, 12, "an older acknowledgement does not count");
  const [claimed = 0] = offsets(pool.offer.withdrawn);
  pool.next(inputs({ seen: seen(generation, [claimed]) }));
  assert.deepEqual(offsets(pool.offer.withdrawn), [claimed]);
  assert.deepEqual([pool.offer.generation, pool.offer.asked], [generation + 1, asked]);
  pool.next(inputs({ seen: seen(generation) }));
  assert.equal(pool.ports.length, 8, "the acknowledgement counts, whatever was offered since");
});

test("a spent closed port comes back by being withdrawn, acknowledged and offered anew", () => {
  const pool = filled();
  const [port = 0, ...others] = offsets(pool.offer.closed);
  pool.next(inputs({ seen: seen(pool.offer.generation, [port], [port]) }));
  assert.deepEqual(offsets(pool.offer.withdrawn), [port]);
  assert.deepEqual(offsets(pool.offer.closed), others, "no more than the low mark is missing");
  for (let round = 0; round < 2; round++) pool.next(inputs({ seen: seen(pool.offer.asked) }));
  assert.ok(offsets(pool.offer.closed).includes(port));
});

test("a port that OVN no longer carries is withdrawn, but not from a pod", () => {
  const pool = filled();
  const [first = 0] = offsets(pool.offer.open);
  pool.next(inputs({ isReady: () => false, inUse: new Set([first]) }));
  assert.deepEqual(offsets(pool.offer.open), [first]);
  assert.deepEqual([pool.offer.closed.length, pool.offer.withdrawn.length], [0, 7]);
});

test("while it waits for the agent, it takes no new places for ports that will come back", () => {
  const pool = filled();
  for (let round = 0; round < 5; round++) pool.next(inputs({ isReady: () => false }));
  assert.equal(pool.ports.length, 8);
});

test("a port whose tag somebody else also uses is withdrawn, and its tag not taken again", () => {
  const pool = filled();
  const [first = 0] = offsets(pool.offer.open);
  pool.next(inputs({ foreignTags: new Set([first]) }));
  assert.deepEqual(offsets(pool.offer.withdrawn), [first]);
  pool.next(inputs({ foreignTags: new Set([first]), seen: seen(pool.offer.asked) }));
  assert.equal(pool.port(first), undefined);
});

test("a pod's port whose tag somebody else also uses stays, and people are told", () => {
  const pool = filled();
  const [first = 0] = offsets(pool.offer.open);
  const { problem } = pool.next(inputs({ foreignTags: new Set([first]), inUse: new Set([first]) }));
  assert.match(problem ?? "", new RegExp(`running pods share the VLAN tags ${first} `));
  assert.ok(offsets(pool.offer.open).includes(first));
});

test("a pool that cannot grow says what limits it", () => {
  const pool = new NodePool(new Source(), "a", undefined);
  const { problem } = pool.next(inputs({ most: { ports: 3, because: "no more tags" } }));
  assert.equal(problem, "no more ready ports than 3: no more tags");
  const enough = new NodePool(new Source(), "a", undefined).next(
    inputs({ most: { ports: 5, because: "no more tags" } }),
  );
  assert.deepEqual(
    enough,
    { problem: undefined, againMs: undefined },
    "each kind has as many as its low mark",
  );
});

test("up to the low mark a pool is filled at once, and beyond it in slices, with rests longer than the work", () => {
  const large = { marks: { low: 10, high: 50 }, most: { ports: 100, because: "" } };
  const pool = new NodePool(new Source(), "a", undefined);
  pool.next(inputs({ ...large, isReady: () => false, now: 1000 }));
  assert.equal(pool.ports.length, 28, "both low marks, and a slice");
  assert.deepEqual(pool.next(inputs({ ...large, isReady: () => false, now: 1200 })), {
    problem: undefined,
    againMs: 9800,
  });
  const first = pool.next(inputs({ ...large, now: 1500 }));
  assert.deepEqual([pool.ports.length, first.againMs], [28, 1500], "OVN took 500 ms");
  const early = pool.next(inputs({ ...large, now: 2700 }));
  assert.deepEqual([pool.ports.length, early.againMs], [28, 300]);
  pool.next(inputs({ ...large, now: 3000 }));
  assert.equal(pool.ports.length, 36);
  const { open, closed } = pool.offer;
  const carried = new Set(offsets([...open, ...closed]));
  const used = new Set(offsets(open).slice(0, 1));
  pool.next(inputs({ ...large, isReady: ({ offset }) => carried.has(offset), inUse: used, now: 3010 }));
  assert.equal(pool.ports.length, 37, "nine are left, and one is made at once");
});

test("a pool filled in slices reaches the middle of its marks, and stops there", () => {
  const large = { marks: { low: 10, high: 50 }, most: { ports: 100, because: "" } };
  const pool = new NodePool(new Source(), "a", undefined);
  let now = 0;
  for (let slice = 0; slice < 20; slice++) {
    now += pool.next(inputs({ ...large, now })).againMs ?? 10;
  }
  assert.deepEqual(
    [pool.ports.length, pool.next(inputs({ ...large, now: now + 1e6 })).againMs],
    [60, undefined],
  );
});

test("the size follows pods, processors and memory, and is limited by subnet and tags", () => {
  const node = { pods: 110, cpus: 2, memoryBytes: 24 * 2 ** 30 };
  assert.deepEqual(marksFor(node, undefined), { low: 4, high: 16 });
  assert.deepEqual(marksFor({ pods: 110, cpus: 1, memoryBytes: 2 ** 30 }, undefined), { low: 2, high: 8 });
  assert.deepEqual(marksFor(node, { low: 8, high: 32 }), { low: 8, high: 32 });
  const wide = [{ ip: { family: 6, value: 0n }, bits: 64 } as const];
  const many = { pods: 10_000, cpus: 0, memoryBytes: 0 };
  assert.equal(mostPorts(many, marks, wide, true).ports, 4094);
  assert.match(mostPorts(many, marks, wide, true).because, /4094 VLAN tags; use more and smaller nodes/);
  const narrow = [{ ip: { family: 4, value: 0n }, bits: 28 } as const];
  assert.equal(mostPorts(node, marks, narrow, false).ports, 12);
});

test("if the agent has seen a later offer, everything is withdrawn, and offered anew when the agent knows", () => {
  const pool = filled();
  const ports = offsets(pool.ports);
  const later = seen(7, [], [], "lost");
  pool.next(inputs({ seen: later }));
  const { line, from, generation, asked, withdrawn } = pool.offer;
  assert.deepEqual([line, from, generation, asked, offsets(withdrawn)], ["a", 7, 8, 8, ports]);
  pool.next(inputs({ seen: later }));
  assert.deepEqual(
    offsets(pool.offer.withdrawn),
    ports,
    "what was said about another offer does not count for this one",
  );
  for (let round = 0; round < 2; round++) pool.next(inputs({ seen: seen(8) }));
  assert.deepEqual([pool.offer.open.length, pool.offer.closed.length], [4, 4]);
});

test("an answer to the previous line is neither later nor an answer to this one", () => {
  const { offer } = filled();
  const source = new Source();
  const pool = new NodePool(source, "b", offer);
  source.taken.add(5);
  pool.adopt({ offset: 5, tag: 5 }, "closed", "withdrawn");
  const last = offer.generation;
  const expected = { line: "b", from: last, generation: last + 1, asked: last + 1 };
  for (let round = 0; round < 2; round++) {
    pool.next(inputs({ isReady: () => false, seen: seen(last) }));
    assert.deepEqual(pool.offer, { ...expected, open: [], closed: [], withdrawn: [{ offset: 5, tag: 5 }] });
  }
  pool.next(inputs({ isReady: () => false, seen: seen(last + 1, [], [], "b") }));
  assert.deepEqual(pool.offer.withdrawn, []);
});

test("a controller that takes over a pool in good order changes nothing", () => {
  const { ports, offer } = filled();
  const pool = new NodePool(new Source(), "b", offer);
  for (const { kind, ...port } of ports) pool.adopt(port, kind, "offered");
  pool.next(inputs());
  assert.deepEqual(pool.offer, offer);
});

test("while OVN has not listed its ports, nothing is offered and nothing taken back", () => {
  const pool = filled();
  const { offer } = pool;
  pool.next(inputs({ isReady: () => undefined }));
  assert.deepEqual(pool.offer, offer);
  const fresh = new NodePool(new Source(), "a", undefined);
  for (let round = 0; round < 2; round++) fresh.next(inputs({ isReady: () => undefined }));
  assert.deepEqual(fresh.offer, { ...nothing, open: [], closed: [], withdrawn: [] });
});

test("ports that OVN never carries do not end the filling", () => {
  const large = { marks: { low: 10, high: 50 }, most: { ports: 100, because: "" }, isReady: () => false };
  const pool = new NodePool(new Source(), "a", undefined);
  pool.next(inputs({ ...large, now: 0 }));
  assert.deepEqual([pool.ports.length, pool.next(inputs({ ...large, now: 4000 })).againMs], [28, 6000]);
  assert.equal(pool.next(inputs({ ...large, now: 10_000 })).againMs, 10_000);
  pool.next(inputs({ ...large, now: 20_000 }));
  assert.equal(pool.ports.length, 36);
});

type Step =
  | {
      readonly do:
        | "plan"
        | "plan few"
        | "read"
        | "report"
        | "watch"
        | "claim open"
        | "claim closed"
        | "close";
    }
  | { readonly do: "end"; readonly pod: number }
  /**
   * Once: the API's database returns to its state of so many reports and offers ago, and another controller starts from
   * it.
   */
  | { readonly do: "restore"; readonly ago: number };

/**
 * An agent that may lag behind as far as it likes, and a database that closes ports late. At every moment the agent
 * must not claim a port that the controller has taken away, nor a closed port that lets packets pass.
 */
class Agent {
  readonly claimed = new Map<number, "open" | "closed">();
  readonly rested = new Set<number>();
  readonly cache = new Map<number, "open" | "closed">();
  #offered: ReadonlyMap<number, "open" | "closed"> = new Map();
  #taken = { line: "", generation: 0 };
  /** It has read an offer from the past, and gives no ports out. */
  #waits = false;

  read(offer: PoolOffer): void {
    this.#waits = !isAsLate(offer, this.#taken);
    if (this.#waits) return;
    this.#taken = { line: offer.line, generation: offer.generation };
    this.#offered = new Map([
      ...offer.open.map(({ offset }) => [offset, "open"] as const),
      ...offer.closed.map(({ offset }) => [offset, "closed"] as const),
    ]);
    for (const [offset, kind] of this.#offered) {
      if (this.claimed.has(offset) || this.rested.has(offset)) continue;
      if (kind === "closed" && this.cache.get(offset) === "open") this.rested.add(offset);
      else this.cache.set(offset, kind);
    }
    for (const offset of this.cache.keys())
      if (!this.#offered.has(offset) || this.rested.has(offset)) this.cache.delete(offset);
    for (const offset of this.rested) if (!this.#offered.has(offset)) this.rested.delete(offset);
  }

  claim(kind: "open" | "closed"): number | undefined {
    if (this.#waits) return undefined;
    // The last one that came is the likeliest to be wrong.
    const found = [...this.cache].findLast(([, of]) => of === kind)?.[0];
    if (found === undefined) return undefined;
    this.cache.delete(found);
    this.claimed.set(found, kind);
    return found;
  }

  end(offset: number): void {
    this.claimed.delete(offset);
    const kind = this.#offered.get(offset);
    if (kind === "closed") this.rested.add(offset);
    if (kind === "open") this.cache.set(offset, kind);
  }

  get seen(): PoolSeen {
    return {
      ...this.#taken,
      used: [...this.claimed.keys(), ...this.rested],
      spent: [...this.rested],
    };
  }
}

/** A pool as a controller takes it over: from an offer and the rows of the database. */
function adopted(
  source: Source,
  offer: PoolOffer,
  { ports: rows }: NodePool,
  passing: ReadonlySet<number>,
): NodePool {
  const pool = new NodePool(source, "b", offer);
  const take = (port: PoolPort, kind: "open" | "closed", state: "offered" | "withdrawn"): void => {
    source.taken.add(port.offset);
    pool.adopt(port, kind, state);
  };
  const heldBack = new Set(
    rows.filter(({ offset, kind }) => kind === "closed" && !passing.has(offset)).map(({ offset }) => offset),
  );
  for (const port of offer.open)
    if (heldBack.has(port.offset)) take(port, "closed", "withdrawn");
    else take(port, "open", "offered");
  for (const port of offer.closed) take(port, "closed", "offered");
  for (const port of offer.withdrawn) take(port, "closed", "withdrawn");
  for (const { offset, tag } of rows) take({ offset, tag }, "closed", "withdrawn");
  return pool;
}

test("in whatever order things happen, nobody claims a port that was taken away, nor a closed port that is open", () => {
  const often = ["plan", "read", "report", "watch"] as const;
  const seldom = ["plan few", "claim open", "claim closed", "close"] as const;
  const operation = fc.constantFrom(...often, ...often, ...seldom);
  const step = fc.oneof(
    { weight: 40, arbitrary: fc.record({ do: operation }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant("end" as const), pod: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("restore" as const), ago: fc.nat(8) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps: readonly Step[]) => {
      const source = new Source();
      let pool = new NodePool(source, "a", undefined);
      const agent = new Agent();
      /** What the Node has shown, state by state. */
      const history: { readonly offer: PoolOffer; readonly reported: PoolSeen | undefined }[] = [];
      let isRestored = false;
      let reported: PoolSeen | undefined;
      /** Ports of the pods that the controller knows. */
      let pods: ReadonlySet<number> = new Set();
      /** Closed ports whose packets the database lets pass: opened for a pod, and not closed since. */
      const passing = new Set<number>();
      let now = 0;
      for (const one of steps) {
        switch (one.do) {
          case "plan":
          case "plan few":
            pool.next(
              inputs({
                marks: one.do === "plan few" ? { low: 1, high: 2 } : marks,
                seen: reported,
                inUse: pods,
                isReady: ({ offset }, kind) => kind === "open" || !passing.has(offset),
                now: (now += 500),
              }),
            );
            for (const offset of pods) if (pool.port(offset)?.kind === "closed") passing.add(offset);
            history.push({ offer: pool.offer, reported });
            break;
          case "close":
            for (const offset of passing) if (!pods.has(offset)) passing.delete(offset);
            break;
          case "watch":
            pods = new Set(agent.claimed.keys());
            break;
          case "read":
            agent.read(pool.offer);
            break;
          case "report":
            reported = agent.seen;
            history.push({ offer: pool.offer, reported });
            break;
          case "restore": {
            const before = history.at(-1 - one.ago);
            if (!before || isRestored) break;
            isRestored = true;
            pool = adopted(source, before.offer, pool, passing);
            reported = before.reported;
            break;
          }
          case "end":
            if (agent.claimed.size > 0)
              agent.end([...agent.claimed.keys()][one.pod % agent.claimed.size] ?? 0);
            break;
          case "claim open":
          case "claim closed": {
            const kind = one.do === "claim open" ? "open" : "closed";
            const offset = agent.claim(kind);
            if (offset === undefined) break;
            assert.ok(pool.port(offset), `${offset} was claimed after it was taken away`);
            if (kind === "closed") assert.ok(!passing.has(offset), `${offset} is not closed`);
          }
        }
        for (const offset of agent.claimed.keys())
          assert.ok(pool.port(offset), `${offset} was taken away from a pod`);
      }
    }),
    { numRuns: 1000 },
  );
});
