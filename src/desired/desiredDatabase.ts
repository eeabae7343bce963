// The facts about one destination, reference counted. It knows nothing of the database's schema: a fact names a table,
// a row and a column, which is enough to count it and to tell which rows became dirty.

import { type Destination, destinationId, type Fact, sameEntries, sameValue } from "../model/fact.ts";
import type { Owner } from "../model/owner.ts";
import { type Columns, DesiredRow } from "./desiredRow.ts";
import { Dirty } from "./dirty.ts";
import { RowMap } from "./rowMap.ts";
import { type Claim, Slot } from "./slot.ts";

/**
 * Two owners state different things about one row or one map entry. The fact of `holder` is in force, the one of
 * `waiting` waits.
 */
export interface Conflict {
  readonly holder: Owner;
  readonly waiting: Owner;
  /** The waiting owner's fact. */
  readonly fact: Fact;
  readonly message: string;
}

export class DesiredDatabase {
  readonly destination: Destination;
  readonly #rows = new RowMap<DesiredRow>();
  /** Slots that several owners claim -> a fact that leads to the slot. */
  readonly #shared = new Map<Slot<unknown>, Fact>();
  readonly #listeners = new Set<() => void>();
  #dirty = new Dirty();

  constructor(destination: Destination) {
    this.destination = destination;
  }

  row(table: string, uuid: string): DesiredRow | undefined {
    return this.#rows.get(table, uuid);
  }

  /** Every row that has a fact. */
  rows(): Iterable<DesiredRow> {
    return this.#rows.values();
  }

  /** What has become dirty and has not been taken yet. */
  get dirty(): { readonly size: number; readonly owners: ReadonlySet<Owner> } {
    return { size: this.#dirty.size, owners: this.#dirty.owners };
  }

  /** What became dirty since the last call. From now on the caller is responsible for it. */
  takeDirty(): Dirty {
    const taken = this.#dirty;
    this.#dirty = new Dirty();
    return taken;
  }

  /** Calls `listener` whenever something becomes dirty after nothing was. Returns a function that ends the calls. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** All present conflicts. */
  *conflicts(): Iterable<Conflict> {
    for (const [slot, fact] of this.#shared)
      for (const claim of slot.others())
        if (!sameClaim(slot.value, claim.value)) yield conflictOf(slot, claim.owner, fact);
  }

  /** `owner` states `fact`. Returns the conflicts that this fact is part of. */
  state(owner: Owner, fact: Fact, round: number): readonly Conflict[] {
    const row = this.#rows.ensure(fact.table, fact.uuid, () => new DesiredRow(fact.table, fact.uuid));
    if (fact.kind === "row") {
      row.row ??= this.#open(owner, fact, fact.columns, round);
      return this.#claim(row.row, owner, fact, fact.columns, round);
    }
    const key = fact.key ?? fact.value;
    const found = row.member(fact.column, key);
    if (found) return this.#claim(found, owner, fact, fact.value, round);
    row.setMember(fact.column, key, this.#open(owner, fact, fact.value, round));
    return [];
  }

  /** `owner` no longer states `fact`, unless it stated it in `round` too. */
  retract(owner: Owner, fact: Fact, round: number, isConfirmed: boolean): void {
    const row = this.#rows.get(fact.table, fact.uuid);
    const slot = row && slotOf(row, fact);
    const claim = slot?.claimOf(owner);
    if (!row || !slot || !claim || claim.round === round) return;
    const before: unknown = slot.value;
    if (slot.remove(owner)) {
      if (!slot.shared) this.#shared.delete(slot);
      if (!sameClaim(before, slot.value)) this.#mark(fact, owner);
      return;
    }
    if (fact.kind === "row") row.row = undefined;
    else row.deleteMember(fact.column, fact.key ?? fact.value);
    if (row.empty) this.#rows.delete(fact.table, fact.uuid);
    this.#changing(() => this.#dirty.retract(fact, owner, isConfirmed));
  }

  /** The absence of what the owner does not state has changed. */
  reconsider(owner: Owner): void {
    this.#changing(() => this.#dirty.reconsidered.add(owner));
  }

  #open<V>(owner: Owner, fact: Fact, value: V, round: number): Slot<V> {
    this.#mark(fact, owner);
    return new Slot({ owner, value, round });
  }

  #claim<V>(slot: Slot<V>, owner: Owner, fact: Fact, value: V, round: number): readonly Conflict[] {
    const claim = slot.claimOf(owner);
    if (claim) {
      const same = sameClaim(claim.value, value);
      // One list states two different things: the first stays, as it does between owners.
      if (claim.round === round && !same) return [conflictOf(slot, owner, fact)];
      claim.round = round;
      claim.value = value;
      if (!same && slot.claimOf(slot.owner) === claim) this.#mark(fact, owner);
    } else {
      slot.add({ owner, value, round });
      this.#shared.set(slot, fact);
    }
    if (!slot.shared) return [];
    return [...slot.others()]
      .filter((other) => isWaiting(slot, other, owner))
      .map((other) => conflictOf(slot, other.owner, fact));
  }

  #mark(fact: Fact, owner: Owner): void {
    this.#changing(() => this.#dirty.add(fact, owner));
  }

  #changing(change: () => unknown): void {
    const first = this.#dirty.size === 0;
    change();
    if (first) for (const listener of this.#listeners) listener();
  }
}

/** Whether `other` waits, and `speaker` is one of the two owners in this conflict. */
const isWaiting = <V>(slot: Slot<V>, other: Claim<V>, speaker: Owner): boolean =>
  (speaker === slot.owner || speaker === other.owner) && !sameClaim(slot.value, other.value);

function slotOf(row: DesiredRow, fact: Fact): Slot<unknown> | undefined {
  return fact.kind === "row" ? row.row : row.member(fact.column, fact.key ?? fact.value);
}

/** Claims are the columns of a row, or one atom. */
function sameClaim(a: unknown, b: unknown): boolean {
  return a === b || (isColumns(a) && isColumns(b) && sameEntries(a, b, sameValue));
}

const isColumns = (value: unknown): value is Columns => value instanceof Map;

function conflictOf(slot: Slot<unknown>, waiting: Owner, fact: Fact): Conflict {
  const holder = slot.owner;
  const what = fact.kind === "row" ? "row" : `${fact.column} ${String(fact.key ?? fact.value)} of row`;
  const where = `${destinationId(fact.destination)} ${fact.table} ${fact.uuid}`;
  return {
    holder,
    waiting,
    fact,
    message: `${holder} and ${waiting} state different things about ${what} ${where}; the fact of ${holder} is in force`,
  };
}
