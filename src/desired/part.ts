// How much of a row to compare: all of it, or only some members of some columns. The row's own columns are few and
// always compared.

import type { Atom } from "../model/fact.ts";

const nothing: ReadonlySet<Atom> = new Set();

export class Part {
  #isWhole = false;
  /** column -> members of a set, keys of a map. Created on demand, because most rows are compared whole. */
  #members: Map<string, Set<Atom>> | undefined;

  static whole(): Part {
    return new Part().addAll();
  }

  /** Whether every member of every column is meant. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The named members of `column`. When the part is whole, all members are meant and none is named. */
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
