// The guard over deletions. A restart must not delete what it has not read yet, and an API server that comes back empty
// after a bad restore must not take the network with it. So nothing is removed before every input has synced, and the
// removal of a large share of Weft's rows is held until facts change or a person approves it. While deletions are held,
// memberships are not removed either: a half-done removal would be the worst outcome.

import type { DesiredRow } from "../desired/desiredRow.ts";
import { RowMap } from "../desired/rowMap.ts";
import type { Atom } from "../model/fact.ts";
import { Multimap } from "../model/multimap.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { type Change, targetOf } from "./change.ts";
import type { RowName } from "./look.ts";

export interface PruneLimits {
  /** Deleting more than this share of Weft's rows needs approval … */
  readonly share: number;
  /** … when it is more than this many rows. */
  readonly rows: number;
  /** Deletions of the last so many milliseconds count too. Otherwise a flood could pass in slices. */
  readonly windowMs: number;
}

export const defaultPruneLimits: PruneLimits = { share: 0.3, rows: 20, windowMs: 10_000 };

export interface PruneHeld {
  readonly rows: number;
  /** The number of Weft's rows in the database. */
  readonly of: number;
  readonly tables: ReadonlyMap<string, number>;
  /** Names of some of the rows. */
  readonly examples: readonly string[];
  readonly message: string;
}

export interface Sorted {
  readonly sendable: readonly AtomicGroup[];
  readonly held: readonly AtomicGroup[];
}

const maxExamples = 5;

export class PruneGuard {
  readonly #limits: PruneLimits;
  readonly #nameOf: (table: string, uuid: string) => string;
  /** Rows with removals that are held. */
  readonly #held = new RowMap<true>();
  /** Of these, the rows whose deletion is held. */
  readonly #deletes = new RowMap<true>();
  /** Rows that a person has approved, or that are known to be unwanted. */
  readonly #approved = new RowMap<true>();
  /** Row -> its members that may go: column -> members */
  readonly #approvedMembers = new RowMap<Multimap<string, Atom>>();
  #recent: { readonly at: number; readonly rows: number }[] = [];
  #synced = false;

  constructor(limits: PruneLimits, nameOf: (table: string, uuid: string) => string) {
    this.#limits = limits;
    this.#nameOf = nameOf;
  }

  /** The number of rows whose deletion is held. */
  get heldDeletes(): number {
    return this.#deletes.size;
  }

  /** The rows with anything held. */
  *held(): Iterable<RowName> {
    for (const [table, uuid] of this.#held.entries()) yield { table, uuid };
  }

  /** All inputs are complete, so what nobody wants now is really unwanted. */
  allSynced(): void {
    this.#synced = true;
  }

  /** Releases what is held now, unless it is held because inputs are missing. */
  approve(): void {
    if (!this.#synced) return;
    for (const { table, uuid } of this.held()) this.#approved.set(table, uuid, true);
  }

  /** The row may go without being counted, because the reason is known. */
  expect(table: string, uuid: string): void {
    this.#approved.set(table, uuid, true);
  }

  /** The member may go without being counted, because the reason is known. */
  expectMember(table: string, uuid: string, column: string, key: Atom): void {
    this.#approvedMembers.ensure(table, uuid, () => new Multimap()).add(column, key);
  }

  /** An earlier permission to delete no longer counts for what is wanted of the row now. */
  forgetWanted(table: string, uuid: string, wanted: DesiredRow | undefined): void {
    if (wanted?.row) this.#approved.delete(table, uuid);
    const members = this.#approvedMembers.get(table, uuid);
    if (!members || !wanted) return;
    for (const column of wanted.memberColumns)
      for (const key of [...members.get(column)]) if (wanted.member(column, key)) members.delete(column, key);
  }

  /** The rows are compared anew, so what was held of them no longer counts. */
  forget(rows: RowMap<unknown>): void {
    for (const { table, uuid } of this.held()) {
      if (!rows.has(table, uuid)) continue;
      this.#held.delete(table, uuid);
      this.#deletes.delete(table, uuid);
    }
  }

  /**
   * Sorts `groups` into those that may be sent, additions first, and those that are held. `owned`: the number of Weft's
   * rows.
   */
  sort(groups: readonly AtomicGroup[], owned: () => number, now: number): Sorted {
    const removals = groups.filter((group) => group.removes);
    const isOpen = this.#synced && !this.#isTooMuch(removals, owned, now);
    const sendable = groups.filter((group) => !group.removes);
    const held: AtomicGroup[] = [];
    for (const group of removals) (isOpen || this.#isApproved(group) ? sendable : held).push(group);
    for (const group of held) this.#hold(group);
    return { sendable, held };
  }

  /** Whether so little is held now that it may go. */
  mayRelease(owned: () => number, now: number): boolean {
    return this.#synced && this.#held.size > 0 && !this.#isTooMuch([], owned, now);
  }

  /** Removals were committed. */
  removed(groups: readonly AtomicGroup[], now: number): void {
    let rows = 0;
    for (const group of groups) {
      if (!this.#isApproved(group)) rows += deletesOf(group);
      else for (const change of group.changes) this.#forget(change);
    }
    if (rows > 0) this.#recent.push({ at: now, rows });
  }

  /** Held removals may pass once earlier ones have left the window, so look again after this time. */
  get windowMs(): number {
    return this.#limits.windowMs;
  }

  report(owned: number): PruneHeld {
    const rows = this.#deletes.size;
    const tables = this.#deletes.counts();
    const named = [...this.#deletes.entries()].slice(0, maxExamples);
    const examples = named.map(([table, uuid]) => this.#nameOf(table, uuid));
    const counts = [...tables].map(([table, count]) => `${count} ${table}`).join(", ");
    return {
      rows,
      of: owned,
      tables,
      examples,
      message: `deletion of ${rows} of ${owned} rows is held (${counts}; such as ${examples.join(", ")}): more than ${this.#limits.share * 100} %. If they should go, approve the deletion; if not, find out why Kubernetes no longer lists their objects`,
    };
  }

  #isTooMuch(groups: readonly AtomicGroup[], owned: () => number, now: number): boolean {
    this.#recent = this.#recent.filter(({ at }) => now - at < this.#limits.windowMs);
    const fresh = groups.filter((group) => !this.#isApproved(group));
    const wanted = fresh.reduce((sum, group) => sum + deletesOf(group), this.#deletes.size);
    const recent = this.#recent.reduce((sum, { rows }) => sum + rows, 0);
    if (wanted === 0 || wanted + recent <= this.#limits.rows) return false;
    return wanted + recent > this.#limits.share * (owned() + recent);
  }

  #isApproved(group: AtomicGroup): boolean {
    return group.changes.every((change) => {
      if (this.#approved.has(change.table, change.uuid)) return true;
      if (change.kind === "delete") return false;
      if (change.kind !== "member" || change.action === "insert") return true;
      const target = targetOf(change);
      if (target !== undefined && this.#approved.has(target.table, target.uuid)) return true;
      return (
        this.#approvedMembers.get(change.table, change.uuid)?.get(change.column.name).has(change.key) === true
      );
    });
  }

  #forget(change: Change): void {
    const { table, uuid } = change;
    this.#approved.delete(table, uuid);
    if (change.kind === "member")
      this.#approvedMembers.get(table, uuid)?.delete(change.column.name, change.key);
    else this.#approvedMembers.delete(table, uuid);
  }

  #hold(group: AtomicGroup): void {
    for (const { kind, table, uuid } of group.changes) {
      this.#held.set(table, uuid, true);
      if (kind === "delete") this.#deletes.set(table, uuid, true);
    }
  }
}

const deletesOf = (group: AtomicGroup): number =>
  group.changes.filter((change) => change.kind === "delete").length;
