// What changed in each row of one destination since the engine last took it, with the owners whose facts changed.
// Filled by desired/, taken as a whole by apply/.

import type { Fact, Owner } from "../model/fact.ts";
import { Part } from "./part.ts";
import { RowMap } from "./rowMap.ts";

export interface DirtyRow {
  readonly part: Part;
  readonly owners: readonly Owner[];
  /** Nobody wants the row any more, and somebody said so: it is not merely missing from a list. */
  readonly asked: boolean;
}

type Mark = { readonly part: Part; readonly owners: Owner[]; asked: boolean };

export class Dirty {
  readonly #rows = new RowMap<Mark>();
  readonly owners = new Set<Owner>();

  get rows(): RowMap<DirtyRow> {
    return this.#rows;
  }

  /**
   * Marks what `fact` is about: one member, or the row with all its members. `asked`: somebody said that the row is to
   * go.
   */
  add(fact: Fact, owner: Owner, asked: boolean): void {
    const { table, uuid } = fact;
    this.owners.add(owner);
    const mark = this.#rows.ensure(table, uuid, () => ({ part: new Part(), owners: [], asked: false }));
    const { part, owners } = mark;
    if (fact.kind === "row") {
      part.addAll();
      mark.asked = asked;
    } else part.add(fact.column, fact.key ?? fact.value);
    // An owner marks all its rows in one go, so looking at the last entry is enough to keep the list short.
    if (owners.at(-1) !== owner) owners.push(owner);
  }
}
