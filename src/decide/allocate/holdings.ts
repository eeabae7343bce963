// Who holds what. A value has at most one holder; a holder has any number of values. Every allocator is built on this.

import { Multimap } from "../../model/multimap.ts";

export class Holdings<V extends string | number> {
  readonly #holders = new Map<V, string>();
  readonly #values = new Multimap<string, V>();

  /** Whether `holder` could have `value`: nobody holds it, or `holder` already does. */
  isFree(value: V, holder: string): boolean {
    return (this.#holders.get(value) ?? holder) === holder;
  }

  has(value: V): boolean {
    return this.#holders.has(value);
  }

  /** Claims `value` for `holder`. Returns false when another holder has it. */
  claim(value: V, holder: string): boolean {
    if (!this.isFree(value, holder)) return false;
    this.#holders.set(value, holder);
    this.#values.add(holder, value);
    return true;
  }

  drop(value: V, holder: string): void {
    if (this.#holders.get(value) === holder) this.#holders.delete(value);
    this.#values.delete(holder, value);
  }

  /** Takes everything from `holder`. */
  release(holder: string): void {
    for (const value of this.#values.take(holder)) this.#holders.delete(value);
  }
}
