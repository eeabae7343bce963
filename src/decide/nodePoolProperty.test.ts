import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isAsLate, type PoolOffer, type PoolPort, type PoolSeen } from "../model/pool.ts";
import { NodePool } from "./nodePool.ts";
import { inputs, marks, Source } from "./nodePoolFixture.ts";

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
