// What a destination's engine has still to look at, and for whom: rows that facts made dirty, rows that somebody
// else changed, rows to try again; and the owners that wait until their rows are as they said.

import type { DesiredDatabase } from "../desired/desiredDatabase.ts";
import { RowMap } from "../desired/rowMap.ts";
import type { Owner } from "../model/fact.ts";
import type { AtomicGroup, RowName } from "./atomicGroup.ts";
import { type Change, targetOf } from "./change.ts";
import { Pending } from "./pending.ts";
import { Waiting } from "./waiting.ts";

/** Why a row is looked at though no fact about it changed. */
export type Cause = "somebody changed it" | "look again";

export class Backlog {
  readonly #desired: DesiredDatabase;
  readonly #pending = new Pending();
  readonly #waiting = new Waiting();
  #dirty = new RowMap<Cause>();
  /** All rows there are, when all are to be looked at. */
  #scan: Iterable<RowName> = [];
  #isScanDue = false;
  /** Rows of the flush under way that somebody else changed, and no fact. */
  #drifted = new RowMap<true>();
  /** Row of the flush under way -> owners whose facts about it are not true yet. */
  #left = new RowMap<Set<Owner>>();

  constructor(desired: DesiredDatabase) {
    this.#desired = desired;
  }

  /** Rows to look at. */
  get size(): number {
    return this.#desired.dirty.size + this.#dirty.size + (this.#isScanDue ? 1 : 0);
  }

  /** Owners that are not committed. */
  get pendingOwners(): number {
    return this.#pending.size;
  }

  isCommitted(owner: Owner): boolean {
    return !this.#desired.dirty.owners.has(owner) && !this.#pending.has(owner);
  }

  mark(table: string, uuid: string, cause: Cause): void {
    this.#dirty.set(table, uuid, cause);
  }

  markAll(rows: Iterable<RowName>): void {
    for (const { table, uuid } of rows) this.#dirty.set(table, uuid, "look again");
  }

  /** Marks `rows`, which are many and are walked only when they are taken. */
  markScan(rows: Iterable<RowName>): void {
    this.#scan = rows;
    this.#isScanDue = true;
  }

  /** Everything that became dirty since the last time, row by row, so that the caller may pause in between. */
  *take(): Iterable<RowName> {
    const facts = this.#desired.takeDirty().rows;
    const others = this.#dirty;
    const scan = this.#isScanDue ? this.#scan : [];
    this.#dirty = new RowMap();
    this.#isScanDue = false;
    for (const [table, uuid, owners] of facts.entries()) {
      for (const owner of owners) this.#pending.add(table, uuid, owner);
      yield { table, uuid };
    }
    for (const [table, uuid, cause] of others.entries()) {
      if (facts.has(table, uuid)) continue;
      if (cause === "somebody changed it") this.#drifted.set(table, uuid, true);
      yield { table, uuid };
    }
    for (const row of scan) if (!facts.has(row.table, row.uuid)) yield row;
  }

  /** Rows that wait for the row `uuid`. */
  waitingFor(uuid: string): readonly RowName[] {
    return this.#waiting.take(uuid);
  }

  /** The group is not committed in this flush: its owners go on waiting, and its rows for whatever it lacks. */
  leave(group: AtomicGroup): void {
    this.#waiting.add(group);
    for (const change of group.changes) {
      const left = this.#left.ensure(change.table, change.uuid, () => new Set());
      for (const owner of this.ownersOf(change)) left.add(owner);
    }
  }

  /** Whose facts ask for the change, or asked for the row that it takes away; of a plain value nobody remembers. */
  ownersOf(change: Change): Iterable<Owner> {
    if (change.owners.length > 0) return change.owners;
    const row = change.kind === "delete" ? change : targetOf(change);
    return row ? this.#pending.owners(row.table, row.uuid) : [];
  }

  /** How many of the rows that `changes` mend were changed by somebody else. */
  driftIn(changes: readonly Change[]): number {
    return new Set(changes.filter((c) => this.#drifted.has(c.table, c.uuid)).map((c) => c.uuid)).size;
  }

  /** The flush under way is done with the row. */
  settle(table: string, uuid: string): void {
    this.#pending.settle(table, uuid, this.#left.get(table, uuid));
  }

  /** The flush under way broke off: nobody is released, and the row is compared again. */
  retry(table: string, uuid: string): void {
    this.mark(table, uuid, "look again");
  }

  endFlush(): void {
    this.#left = new RowMap();
    this.#drifted = new RowMap();
  }
}
