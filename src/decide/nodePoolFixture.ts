// A pool of ready ports for tests: where its places come from, and what it is told in each round.

import assert from "node:assert/strict";
import type { PoolPort, PoolSeen } from "../model/pool.ts";
import { NodePool, type PoolInputs, type PortSource } from "./nodePool.ts";

export const marks = { low: 2, high: 6 };
export const nothing = { line: "a", from: 0, generation: 1, asked: 1 };
export const room = { ports: 40, because: "the test says so" };

/** Places and tags in order. Each is given out once until it is returned. */
export class Source implements PortSource {
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
export const inputs = (change: Partial<PoolInputs> = {}): PoolInputs => ({
  marks,
  most: room,
  inUse: new Set(),
  seen: undefined,
  isReady: () => true,
  isForgotten: () => true,
  foreignTags: new Set(),
  now: (late += 60_000),
  ...change,
});
export const offsets = (ports: readonly PoolPort[]): readonly number[] => ports.map(({ offset }) => offset);
export const seen = (
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
export function filled(): NodePool {
  const pool = new NodePool(new Source(), "a", undefined);
  pool.next(inputs());
  pool.next(inputs());
  return pool;
}
