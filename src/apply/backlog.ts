// What a destination's engine still has to compare: what facts made dirty, what changed in the database and what is
// tried again. Also the owners that wait until their rows are as stated. Our own commits change the database too. Those
// changes are compared like all others, member by member, and turn out to be as wanted.

import type { DesiredDatabase } from "../desired/desiredDatabase.ts";
import type { LeavingMember } from "../desired/dirty.ts";
import { Part } from "../desired/part.ts";
import { RowMap } from "../desired/rowMap.ts";
import type { Atom } from "../model/fact.ts";
import { Multimap } from "../model/multimap.ts";
import type { Owner } from "../model/owner.ts";
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
  /** Row -> what to look at for reasons other than a change. */
  #again = new RowMap<Look[]>();
  /**
   * What changed in the database. Changes of one row are not merged: if our commit adds a member and another writer
   * removes it at once, the merged change would show nothing.
   */
  #changed: AnyChange[] = [];
  /** Many rows that are to be compared; undefined items only let the caller pause. */
  #scan: Iterable<RowName | undefined> = [];
  #isScanDue = false;
  /** Owners of what is being taken now: not all of it is in `#pending` yet. */
  #taking: ReadonlySet<Owner> = new Set();
  /** Rows of the current flush that another writer changed, and no fact. */
  #drifted = new RowMap<true>();
  /** Row -> its members to remove: column and member -> the owners that no longer state it */
  readonly #leaving = new RowMap<Multimap<string, Owner>>();
  /** Row of the current flush -> owners whose facts about it are not true yet. */
  #left = new RowMap<Set<Owner>>();

  constructor(desired: DesiredDatabase) {
    this.#desired = desired;
  }

  /** How much there is to look at. */
  get size(): number {
    return this.#desired.dirty.size + this.#again.size + this.#changed.length + (this.#isScanDue ? 1 : 0);
  }

  /** Owners that are not committed. */
  get pendingOwners(): number {
    return this.#pending.size;
  }

  isCommitted(owner: Owner): boolean {
    return !this.#desired.dirty.owners.has(owner) && !this.#taking.has(owner) && !this.#pending.has(owner);
  }

  /** Rows of the database changed, by our own commit or by another writer. */
  changed(changes: readonly AnyChange[]): void {
    for (const change of changes) this.#changed.push(change);
  }

  /** Queues these to be compared again. */
  again(looks: Iterable<Look>): void {
    for (const look of looks) this.#again.ensure(look.table, look.uuid, () => []).push(look);
  }

  /** Queues `rows`. They are many, so they are only iterated when they are taken. */
  markScan(rows: Iterable<RowName | undefined>): void {
    this.#scan = rows;
    this.#isScanDue = true;
  }

  /**
   * Everything that became dirty since the last call, piece by piece, so that the caller can pause in between;
   * undefined is a step that found nothing. Tells `guard` which rows and members are known to be gone, and which are
   * wanted.
   */
  *take(
    world: World,
    guard: Pick<PruneGuard, "expect" | "expectMember" | "forgetWanted" | "held">,
  ): Iterable<Look | undefined> {
    const { rows: facts, owners: taking, reconsidered } = this.#desired.takeDirty();
    this.#taking = taking;
    const again = this.#again;
    const changed = this.#changed;
    const scan = this.#isScanDue ? this.#scan : [];
    this.#again = new RowMap();
    this.#changed = [];
    this.#isScanDue = false;
    for (const [table, uuid, { owners, part, isConfirmed, leaving }] of facts.entries()) {
      for (const owner of owners) this.#pending.add(table, uuid, owner);
      // Only if the row exists: the deletion of a row that never existed would be awaited forever.
      if ((isConfirmed || leaving.length > 0) && world.actual(table, uuid)) {
        if (isConfirmed) guard.expect(table, uuid);
        for (const member of leaving) {
          if (member.isConfirmed) guard.expectMember(table, uuid, member.column, member.key);
          this.#leaving.ensure(table, uuid, () => new Multimap()).add(memberName(member), member.owner);
        }
      }
      guard.forgetWanted(table, uuid, this.#desired.row(table, uuid));
      yield { table, uuid, part };
      const named = part.isWhole ? leaving.filter((member) => member.isConfirmed) : [];
      if (named.length > 0) yield { table, uuid, part: partOf(named) };
    }
    this.#taking = new Set();
    const isAnyGone = changed.some(({ new: row }) => !row);
    const doubted =
      reconsidered.size > 0
        ? guard.held.concernedBy(reconsidered, world)
        : isAnyGone
          ? guard.held.keepers()
          : [];
    for (const name of [...doubted]) yield wholeRow(name);
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

  /** The group is not committed in this flush: its owners keep waiting, and its rows wait for what it lacks. */
  leave(group: AtomicGroup): void {
    this.#waiting.add(group);
    for (const change of group.changes) {
      const left = this.#left.ensure(change.table, change.uuid, () => new Set());
      for (const owner of this.ownersOf(change)) left.add(owner);
    }
  }

  /** The owners whose facts ask for the change, or asked for what it removes. */
  ownersOf(change: Change): Iterable<Owner> {
    if (change.owners.length > 0) return change.owners;
    if (change.kind === "delete") return this.#pending.owners(change.table, change.uuid);
    if (change.kind !== "member") return [];
    const name = memberName({ column: change.column.name, key: change.key });
    const target = targetOf(change);
    return [
      ...(target ? this.#pending.owners(target.table, target.uuid) : []),
      ...(this.#leaving.get(change.table, change.uuid)?.get(name) ?? []),
    ];
  }

  /** How many of the rows repaired by `changes` another writer had changed. */
  driftIn(changes: readonly Change[]): number {
    return new Set(changes.filter((c) => this.#drifted.has(c.table, c.uuid)).map((c) => c.uuid)).size;
  }

  /** The current flush is done with the row. */
  settle(table: string, uuid: string): void {
    if (!this.#left.has(table, uuid)) this.#leaving.delete(table, uuid);
    this.#pending.settle(table, uuid, this.#left.get(table, uuid));
  }

  /** The current flush broke off: no owner is released, and the row is compared again. */
  retry(row: RowName): void {
    this.again([wholeRow(row)]);
  }

  endFlush(): void {
    this.#left = new RowMap();
    this.#drifted = new RowMap();
  }
}

/** Before all inputs are synced, a look at a whole row leaves out members to remove, even those known to be gone. */
function partOf(members: readonly LeavingMember[]): Part {
  const part = new Part();
  for (const { column, key } of members) part.add(column, key);
  return part;
}

const memberName = ({ column, key }: { readonly column: string; readonly key: Atom }): string =>
  `${column} ${typeof key} ${String(key)}`;
