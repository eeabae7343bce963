// A map from a key to a set of values, for indexes kept in memory. A key without values is not kept. Most keys have one
// value, which is stored without a set: a hundred thousand keys save a hundred thousand sets, of 200 bytes each.

/** Whatever is no set. */
type Value = string | number | bigint | boolean | ((...args: never) => unknown);

export class Multimap<K, V extends Value> {
  readonly #values = new Map<K, V | Set<V>>();

  /** The values of `key`, in the order in which they were added; empty when there are none. */
  get(key: K): ReadonlySet<V> {
    return asSet(this.#values.get(key));
  }

  /** Returns whether the value is new under its key. */
  add(key: K, value: V): boolean {
    const known = this.#values.get(key);
    if (known === value || (known instanceof Set && known.has(value))) return false;
    if (known instanceof Set) known.add(value);
    else this.#values.set(key, known === undefined ? value : new Set([known, value]));
    return true;
  }

  /** Returns whether the value was there. */
  delete(key: K, value: V): boolean {
    const known = this.#values.get(key);
    if (known === value) return this.#values.delete(key);
    if (!(known instanceof Set) || !known.delete(value)) return false;
    if (known.size === 0) this.#values.delete(key);
    return true;
  }

  keys(): Iterable<K> {
    return this.#values.keys();
  }

  /** Removes the key with all its values, and returns them. */
  take(key: K): ReadonlySet<V> {
    const values = this.get(key);
    this.#values.delete(key);
    return values;
  }
}

const none: ReadonlySet<never> = new Set();

const asSet = <V extends Value>(values: V | Set<V> | undefined): ReadonlySet<V> =>
  values === undefined ? none : values instanceof Set ? values : new Set([values]);
