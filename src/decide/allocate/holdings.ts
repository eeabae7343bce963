// Who holds what: every value has at most one holder, a holder has any number of values. The heart of every allocator.

export class Holdings<V extends string | number> {
  readonly #holders = new Map<V, string>();
  readonly #values = new Map<string, Set<V>>();

  /** Whether `holder` could have `value`: nobody has it, or `holder` itself. */
  isFree(value: V, holder: string): boolean {
    return (this.#holders.get(value) ?? holder) === holder;
  }

  has(value: V): boolean {
    return this.#holders.has(value);
  }

  /** Whether `holder` has `value` from now on. */
  claim(value: V, holder: string): boolean {
    if (!this.isFree(value, holder)) return false;
    this.#holders.set(value, holder);
    const values = this.#values.get(holder);
    if (values) values.add(value);
    else this.#values.set(holder, new Set([value]));
    return true;
  }

  drop(value: V, holder: string): void {
    if (this.#holders.get(value) === holder) this.#holders.delete(value);
    this.#values.get(holder)?.delete(value);
  }

  /** `holder` has nothing any more. */
  release(holder: string): void {
    for (const value of this.#values.get(holder) ?? []) this.#holders.delete(value);
    this.#values.delete(holder);
  }

  /** How many values are held. */
  get size(): number {
    return this.#holders.size;
  }
}
