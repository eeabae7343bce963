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
  /** Rows of the flush under way that somebody else changed, and no fact. */
  #drifted = new RowMap<true>();
  /** Row of the flush under way -> owners whose facts about it are not true yet. */
  #left = new RowMap<Set<Owner>>();

  constructor(desired: DesiredDatabase) {
    this.#desired = desired;
  }

  /** Rows to look at. */
  get size(): number {
    return this.#desired.dirty.size + this.#dirty.size;
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

  /** Everything that became dirty since the last time. */
  take(): readonly RowName[] {
    const facts = this.#desired.takeDirty().rows;
    const others = this.#dirty;
    this.#dirty = new RowMap();
    const rows: RowName[] = [];
    for (const [table, uuid, owners] of facts.entries()) {
      for (const owner of owners) this.#pending.add(table, uuid, owner);
      rows.push({ table, uuid });
    }
    for (const [table, uuid, cause] of others.entries()) {
      if (facts.has(table, uuid)) continue;
      if (cause === "somebody changed it") this.#drifted.set(table, uuid, true);
      rows.push({ table, uuid });
    }
    return rows;
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

  /** The flush that looked at `rows` is over. */
  settle(rows: Iterable<readonly [table: string, uuid: string, ...unknown[]]>): void {
    for (const [table, uuid] of rows) this.#pending.settle(table, uuid, this.#left.get(table, uuid));
    this.#endFlush();
  }

  /** The flush that looked at `rows` broke off: nobody is released, and all is compared again. */
  retry(rows: Iterable<readonly [table: string, uuid: string, ...unknown[]]>): void {
    for (const [table, uuid] of rows) this.mark(table, uuid, "look again");
    this.#endFlush();
  }

  #endFlush(): void {
    this.#left = new RowMap();
    this.#drifted = new RowMap();
  }
}
