// A Map for millions of keys. When a plain Map is full, it moves all its entries into a table twice as large in one
// go: 40 ms at a million, and the garbage collector visits it in one go as well. This one splits into many small
// Maps.

import type { Atom } from "./columnValue.ts";

/** Up to this size one Map is enough: splitting it takes a few milliseconds. */
const splitSize = 32_768;
/** A million entries make shards of 8,000, five million of 40,000. */
const shardCount = 128;

export class ShardedMap<K extends Atom, V> {
  /** Holds everything until the split, and nothing afterwards. */
  #first = new Map<K, V>();
  #shards: readonly Map<K, V>[] = [];

  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, this.#first.size);
  }

  has(key: K): boolean {
    return this.#shardOf(key).has(key);
  }

  get(key: K): V | undefined {
    return this.#shardOf(key).get(key);
  }

  set(key: K, value: V): void {
    const shard = this.#shardOf(key);
    shard.set(key, value);
    if (shard === this.#first && shard.size > splitSize) this.#split();
  }

  delete(key: K): boolean {
    return this.#shardOf(key).delete(key);
  }

  /** In the order in which they were set while they are few; in no order when they are many. */
  values(): Iterable<V> {
    return this.#shards.length === 0 ? this.#first.values() : each(this.#shards, (shard) => shard.values());
  }

  entries(): Iterable<[K, V]> {
    return this.#shards.length === 0 ? this.#first.entries() : each(this.#shards, (shard) => shard.entries());
  }

  #shardOf(key: K): Map<K, V> {
    if (this.#shards.length === 0) return this.#first;
    return this.#shards[hashOf(key) % shardCount] ?? this.#first;
  }

  #split(): void {
    const all = this.#first;
    this.#first = new Map();
    this.#shards = Array.from({ length: shardCount }, () => new Map<K, V>());
    for (const [key, value] of all) this.#shardOf(key).set(key, value);
  }
}

function* each<S, T>(shards: readonly S[], of: (shard: S) => Iterable<T>): Generator<T> {
  for (const shard of shards) yield* of(shard);
}

/** FNV-1a of at most 32 characters, spread over all of a long text. Numbers are used as they are. */
function hashOf(key: Atom): number {
  if (typeof key !== "string") return Number(key) >>> 0;
  let hash = 0x811c9dc5;
  const step = 1 + (key.length >>> 5);
  for (let at = key.length - 1; at >= 0; at -= step) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  // The low bits alone would depend only on the low bits of the characters.
  return (hash ^ (hash >>> 15)) >>> 0;
}
