// How much of a row is to be compared: all of it, or only some members of some columns. The row's own columns are
// few and always looked at.

import type { Atom } from "../model/fact.ts";

const nothing: ReadonlySet<Atom> = new Set();

export class Part {
  #isWhole = false;
  /** column -> members of a set, keys of a map; made when there are any, for most rows are looked at whole */
  #members: Map<string, Set<Atom>> | undefined;

  static whole(): Part {
    return new Part().addAll();
  }

  /** Every member of every column. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The members of `column` that are named; all of them are meant when the part is whole. */
  members(column: string): ReadonlySet<Atom> {
    return this.#members?.get(column) ?? nothing;
  }

  addAll(): this {
    this.#isWhole = true;
    this.#members = undefined;
    return this;
  }

  add(column: string, key: Atom): this {
    if (this.#isWhole) return this;
    this.#members ??= new Map();
    const members = this.#members.get(column);
    if (members) members.add(key);
    else this.#members.set(column, new Set([key]));
    return this;
  }
}
