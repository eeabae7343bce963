// A map from a key to a set of values, for indexes kept in memory. A key without values is not kept.

const none: ReadonlySet<never> = new Set();

export class Multimap<K, V> {
  readonly #sets = new Map<K, Set<V>>();

  /** The values of `key`, in the order in which they were added; empty when there are none. A live view, not a copy. */
  get(key: K): ReadonlySet<V> {
    return this.#sets.get(key) ?? none;
  }

  /** Returns whether the value is new under its key. */
  add(key: K, value: V): boolean {
    const values = this.#sets.get(key);
    if (!values) this.#sets.set(key, new Set([value]));
    else if (values.has(value)) return false;
    else values.add(value);
    return true;
  }

  /** Returns whether the value was there. */
  delete(key: K, value: V): boolean {
    const values = this.#sets.get(key);
    if (!values?.delete(value)) return false;
    if (values.size === 0) this.#sets.delete(key);
    return true;
  }

  /** Removes the key with all its values, and returns them. */
  take(key: K): ReadonlySet<V> {
    const values = this.get(key);
    this.#sets.delete(key);
    return values;
  }
}
