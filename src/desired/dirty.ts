// What changed in each row of one destination since the engine last took it, with the owners whose facts changed.
// Filled by desired/, taken as a whole by apply/.

import type { Atom, Fact } from "../model/fact.ts";
import type { Owner } from "../model/owner.ts";
import { Part } from "./part.ts";
import { RowMap } from "./rowMap.ts";

export interface DirtyRow {
  readonly part: Part;
  readonly owners: readonly Owner[];
  /** Nobody wants the row any more, and somebody said so: it is not merely missing from a list. */
  readonly asked: boolean;
  /** Members that somebody said are to go. Some of them may be wanted again by now. */
  readonly askedMembers: readonly Member[];
}

/** A member of a set, or the key of a map entry. */
export interface Member {
  readonly column: string;
  readonly key: Atom;
}

interface Mark {
  readonly part: Part;
  readonly owners: Owner[];
  asked: boolean;
  askedMembers: Member[];
}

const none: Member[] = [];

export class Dirty {
  readonly #rows = new RowMap<Mark>();
  readonly owners = new Set<Owner>();

  get rows(): RowMap<DirtyRow> {
    return this.#rows;
  }

  /**
   * Marks what `fact` is about: one member, or the row with all its members. `asked`: somebody said that it is to go.
   */
  add(fact: Fact, owner: Owner, asked: boolean): void {
    const { table, uuid } = fact;
    this.owners.add(owner);
    const mark = this.#rows.ensure(table, uuid, () => ({
      part: new Part(),
      owners: [],
      asked: false,
      askedMembers: none,
    }));
    const { part, owners } = mark;
    if (fact.kind === "row") {
      part.addAll();
      mark.asked = asked;
    } else {
      const key = fact.key ?? fact.value;
      part.add(fact.column, key);
      if (asked && mark.askedMembers === none) mark.askedMembers = [];
      if (asked) mark.askedMembers.push({ column: fact.column, key });
    }
    // An owner marks all its rows in one go, so looking at the last entry is enough to keep the list short.
    if (owners.at(-1) !== owner) owners.push(owner);
  }
}
