// What a destination's engine has still to look at, and for whom: what facts made dirty, what changed in the database,
// what is to be tried again; and the owners that wait until their rows are as they said. A commit of our own changes
// the database too. What it changed is compared like the rest, member by member, and found to be as wanted.

import type { DesiredDatabase } from "../desired/desiredDatabase.ts";
import { RowMap } from "../desired/rowMap.ts";
import type { Owner } from "../model/fact.ts";
import type { AnyChange } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { type Change, targetOf } from "./change.ts";
import { changedParts } from "./diff.ts";
import { type Look, lookAt, type RowName, wholeRow } from "./look.ts";
import { Pending } from "./pending.ts";
import type { PruneGuard } from "./pruneGuard.ts";
import { Waiting } from "./waiting.ts";
import type { World } from "./world.ts";

export class Backlog {
  readonly #desired: DesiredDatabase;
  readonly #pending = new Pending();
  readonly #waiting = new Waiting();
  /** Row -> looks at it for other reasons than that something changed. */
  #again = new RowMap<Look[]>();
  /**
   * What changed in the database. A row's changes are not merged: a member that our commit put in and another took out at
   * once would seem never to have been touched.
   */
  #changed: AnyChange[] = [];
  /** All rows there are, when all are to be looked at. */
  #scan: Iterable<RowName | undefined> = [];
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
    return this.#desired.dirty.size + this.#again.size + this.#changed.length + (this.#isScanDue ? 1 : 0);
  }

  /** Owners that are not committed. */
  get pendingOwners(): number {
    return this.#pending.size;
  }

  isCommitted(owner: Owner): boolean {
    return !this.#desired.dirty.owners.has(owner) && !this.#pending.has(owner);
  }

  /** Rows of the database changed, by a commit of our own or by somebody else. */
  changed(changes: readonly AnyChange[]): void {
    for (const change of changes) this.#changed.push(change);
  }

  /** These are to be compared again. */
  again(looks: Iterable<Look>): void {
    for (const look of looks) this.#again.ensure(look.table, look.uuid, () => []).push(look);
  }

  /** Marks `rows`, which are many and are walked only when they are taken. */
  markScan(rows: Iterable<RowName | undefined>): void {
    this.#scan = rows;
    this.#isScanDue = true;
  }

  /**
   * Everything that became dirty since the last time, piece by piece, so that the caller may pause in between; undefined is a
   * step that found nothing. `guard` hears which rows are to go by somebody's word, and which are wanted.
   */
  *take(world: World, guard: Pick<PruneGuard, "expect" | "isWanted">): Iterable<Look | undefined> {
    const facts = this.#desired.takeDirty().rows;
    const again = this.#again;
    const changed = this.#changed;
    const scan = this.#isScanDue ? this.#scan : [];
    this.#again = new RowMap();
    this.#changed = [];
    this.#isScanDue = false;
    for (const [table, uuid, { owners, part, asked }] of facts.entries()) {
      // A row that never came would be expected to go for ever.
      if (asked && world.actual(table, uuid)) guard.expect(table, uuid);
      else if (this.#desired.row(table, uuid)?.row) guard.isWanted(table, uuid);
      for (const owner of owners) this.#pending.add(table, uuid, owner);
      yield { table, uuid, part };
    }
    for (const looks of again.values()) yield* looks;
    for (const { table, uuid, old, new: row } of changed) {
      if (!facts.has(table, uuid)) this.#drifted.set(table, uuid, true);
      for (const part of changedParts(world, table, old, row)) yield { table, uuid, part };
    }
    for (const row of scan)
      yield row && !facts.get(row.table, row.uuid)?.part.isWhole ? wholeRow(row) : undefined;
  }

  /** What waits for the row `uuid`. */
  waitingFor(uuid: string): readonly Look[] {
    return this.#waiting.take(uuid).map(lookAt);
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
  retry(row: RowName): void {
    this.again([wholeRow(row)]);
  }

  endFlush(): void {
    this.#left = new RowMap();
    this.#drifted = new RowMap();
  }
}
