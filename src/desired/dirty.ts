// What changed of each row of one destination since the engine last took it, with the owners whose facts changed.
// Filled by desired/, emptied whole by apply/.

import type { Fact, Owner } from "../model/fact.ts";
import { Part } from "./part.ts";
import { RowMap } from "./rowMap.ts";

export interface DirtyRow {
  readonly part: Part;
  readonly owners: readonly Owner[];
}

export class Dirty {
  readonly #rows = new RowMap<{ readonly part: Part; readonly owners: Owner[] }>();
  readonly owners = new Set<Owner>();

  get rows(): RowMap<DirtyRow> {
    return this.#rows;
  }

  /** What `fact` is about changed: its member, or the row, and with it how each of its members is to be seen. */
  add(fact: Fact, owner: Owner): void {
    const { table, uuid } = fact;
    this.owners.add(owner);
    const { part, owners } = this.#rows.ensure(table, uuid, () => ({ part: new Part(), owners: [] }));
    if (fact.kind === "row") part.addAll();
    else part.add(fact.column, fact.key ?? fact.value);
    // An owner marks all its rows in one go, so that looking at the last one suffices to keep the list short.
    if (owners.at(-1) !== owner) owners.push(owner);
  }
}
