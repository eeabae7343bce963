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
  readonly isConfirmed: boolean;
  /** Members that their last owner took back. Some of them may be wanted again by now. */
  readonly leaving: readonly LeavingMember[];
}

/** A member of a set, or the key of a map entry. */
export interface LeavingMember {
  readonly column: string;
  readonly key: Atom;
  readonly owner: Owner;
  /** Its absence is confirmed. */
  readonly isConfirmed: boolean;
}

interface Mark {
  readonly part: Part;
  readonly owners: Owner[];
  isConfirmed: boolean;
  leaving: LeavingMember[];
}

const none: LeavingMember[] = [];

export class Dirty {
  readonly #rows = new RowMap<Mark>();
  readonly owners = new Set<Owner>();
  /** Owners for which the absence of what they do not state has changed. */
  readonly reconsidered = new Set<Owner>();

  get rows(): RowMap<DirtyRow> {
    return this.#rows;
  }

  get size(): number {
    return this.#rows.size + this.reconsidered.size;
  }

  /** Nobody states `fact` any more; `owner` was the last. */
  retract(fact: Fact, owner: Owner, isConfirmed: boolean): void {
    const mark = this.add(fact, owner);
    if (fact.kind === "row") mark.isConfirmed = isConfirmed;
    else {
      if (mark.leaving === none) mark.leaving = [];
      mark.leaving.push({ column: fact.column, key: fact.key ?? fact.value, owner, isConfirmed });
    }
  }

  /** Marks what `fact` is about: one member, or the row with all its members. */
  add(fact: Fact, owner: Owner): Mark {
    const { table, uuid } = fact;
    this.owners.add(owner);
    const mark = this.#rows.ensure(table, uuid, () => ({
      part: new Part(),
      owners: [],
      isConfirmed: false,
      leaving: none,
    }));
    const { part, owners } = mark;
    if (fact.kind === "row") {
      part.addAll();
      mark.isConfirmed = false;
    } else part.add(fact.column, fact.key ?? fact.value);
    // An owner marks all its rows in one go, so looking at the last entry is enough to keep the list short.
    if (owners.at(-1) !== owner) owners.push(owner);
    return mark;
  }
}
