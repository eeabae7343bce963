// The guard over what is taken away. A restart must not delete what it has not read yet, and an API server that comes
// back empty after a bad restore must not take the network with it. So what an owner no longer states goes at once only
// if its absence is confirmed (desired/absence.ts). What is merely missing waits until every input has synced, and if it
// is a large share of Weft's rows, until facts change or a person approves. While anything is held, memberships are not
// removed either: a half-done removal would be the worst outcome. Nor does a plain value leave a set while a held row
// contains it.

import type { DesiredRow } from "../desired/desiredRow.ts";
import { RowMap } from "../desired/rowMap.ts";
import type { Atom } from "../model/fact.ts";
import { Multimap } from "../model/multimap.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { type Change, targetOf } from "./change.ts";
import { givesWay } from "./claims.ts";
import { HeldRows, type Reason } from "./heldRows.ts";
import type { RowName } from "./look.ts";
import { type PruneHeld, pruneReport } from "./pruneReport.ts";
import {
  absenceIn,
  type Claimants,
  claimants,
  claimsOf,
  isClaimedByAnother,
  lessened,
  newClaims,
  withoutTaking,
} from "./taking.ts";
import type { World } from "./world.ts";

export interface PruneLimits {
  /** Taking from more than this share of Weft's rows needs approval … */
  readonly share: number;
  /** … when it is more than this many rows. */
  readonly rows: number;
  /** What went in the last so many milliseconds counts too. Otherwise a flood could pass in slices. */
  readonly windowMs: number;
}

export const defaultPruneLimits: PruneLimits = { share: 0.3, rows: 3, windowMs: 10_000 };

export interface Sorted {
  readonly sendable: readonly AtomicGroup[];
  readonly held: readonly AtomicGroup[];
}

export class PruneGuard {
  readonly #limits: PruneLimits;
  readonly #nameOf: (table: string, uuid: string) => string;
  readonly #held = new HeldRows();
  /** Rows that a person has approved, or that are known to be unwanted. */
  readonly #approved = new RowMap<true>();
  /** Row -> its members that may go: column -> members */
  readonly #approvedMembers = new RowMap<Multimap<string, Atom>>();
  /** Groups that were let through because they were few. */
  readonly #few = new WeakSet<AtomicGroup>();
  #recent: { readonly at: number; readonly rows: number }[] = [];
  /** How many rows were Weft's when the first missing row was held. Rows added later do not make the share smaller. */
  #heldOf: number | undefined;
  #synced = false;
  #suspended: string | undefined;

  constructor(limits: PruneLimits, nameOf: (table: string, uuid: string) => string) {
    this.#limits = limits;
    this.#nameOf = nameOf;
  }

  /** The number of rows that are held, or that would lose part of a column. */
  get heldRows(): number {
    return this.#held.lessened.size;
  }

  /** What is held. */
  get held(): Pick<HeldRows, "values" | "concernedBy" | "keepers"> {
    return this.#held;
  }

  /** All inputs are complete, so what nobody wants now is really unwanted. */
  allSynced(): void {
    this.#synced = true;
  }

  /** As long as there is a `reason`, no absence counts as confirmed and nothing is taken away. */
  suspend(reason: string | undefined): void {
    this.#suspended = reason;
  }

  /** Releases what is held now, unless it is held because inputs are missing or an owner cannot be planned. */
  approve(): void {
    if (!this.#synced) return;
    for (const [table, uuid, reason] of this.#held.reasons())
      if (reason !== "unplanned") this.#approved.set(table, uuid, true);
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
    this.#held.forget(rows);
  }

  /**
   * Sorts `groups` into those that may be sent, additions first, and those that are held. Of a held update, the part that
   * takes nothing away may be sent. `owned`: the number of Weft's rows. Yields often.
   */
  *sort(
    groups: readonly AtomicGroup[],
    world: World,
    owned: () => number,
    now: number,
  ): Generator<void, Sorted> {
    const sendable = groups.filter((group) => !group.removes);
    const doubtful = new Map<AtomicGroup, Reason>();
    for (const group of groups) {
      const reason = group.removes ? this.#doubtAbout(group, world) : undefined;
      if (reason !== undefined) doubtful.set(group, reason);
      else if (group.removes) sendable.push(group);
      yield;
    }
    const claimed = new Set([...doubtful.keys()].flatMap((group) => claimsIn(group, world)));
    const claimedBy = yield* claimants(claimed, world);
    const held = new Map<AtomicGroup, Reason>();
    const missing: AtomicGroup[] = [];
    for (const [group, reason] of doubtful) {
      if (isInTheWay(group, world, claimedBy)) sendable.push(group);
      else if (reason === "missing") missing.push(group);
      else held.set(group, reason);
    }
    const isFew = this.#synced && !this.#isTooMuch(missing, owned, now);
    for (const group of missing) {
      if (isFew) this.#few.add(group);
      if (isFew) sendable.push(group);
      else held.set(group, "missing");
    }
    for (const [group, reason] of held) {
      this.#held.hold(group, reason, world);
      const kept = withoutTaking(group, world, claimedBy);
      if (kept) sendable.push(kept);
    }
    for (const group of sendable) {
      const reason = this.#whyKept(group) ?? this.#whyKeptOut(group, world);
      if (reason === undefined) continue;
      this.#held.keep(group, reason);
      held.set(group, reason);
    }
    this.#heldOf = this.#synced && this.#held.isAny("missing") ? (this.#heldOf ?? owned()) : undefined;
    return { sendable: sendable.filter((group) => !held.has(group)), held: [...held.keys()] };
  }

  /** Held rows that may be in the way of what these groups insert or change, and have to be looked at again. */
  inTheWayOf(groups: readonly AtomicGroup[], world: World): readonly RowName[] {
    if (!this.#held.hasClaims) return [];
    return groups.flatMap((group) =>
      [...newClaims(group, world)].flatMap(({ claim, row }) => {
        const held = this.#held.claimant(claim);
        return held && held.uuid !== row.uuid ? held : [];
      }),
    );
  }

  /** Whether so little is held now that it may go, or something for a reason that ended while it was being sorted. */
  mayRelease(owned: () => number, now: number): boolean {
    if (this.#suspended === undefined && this.#held.isAny("suspended")) return true;
    return this.#synced && this.#held.isAny("missing") && !this.#isTooMuch([], owned, now);
  }

  /** Removals were committed. */
  removed(groups: readonly AtomicGroup[], now: number): void {
    let rows = 0;
    for (const group of groups) {
      if (this.#few.has(group)) rows += lessened(group).length;
      else for (const change of group.changes) this.#forget(change);
    }
    if (rows > 0) this.#recent.push({ at: now, rows });
  }

  /** Held removals may pass once earlier ones have left the window, so look again after this time. */
  get windowMs(): number {
    return this.#limits.windowMs;
  }

  report(owned: number): PruneHeld {
    return pruneReport({
      lessened: this.#held.lessened,
      owned,
      nameOf: this.#nameOf,
      share: this.#limits.share,
      suspended: this.#suspended,
    });
  }

  #doubtAbout(group: AtomicGroup, world: World): Reason | undefined {
    if (this.#suspended !== undefined) return "suspended";
    if (this.#isApproved(group)) return undefined;
    const absence = absenceIn(group, world);
    if (absence !== "confirmed") return absence;
    // Another owner may still state the rest, but a row that is stated is complete.
    const isStated = group.changes.every(({ kind }) => kind === "update");
    return this.#synced || isStated ? undefined : "missing";
  }

  /** Why plain values that nobody states stay: held rows contain them, and the owners of those may have stated them. */
  #whyKept(group: AtomicGroup): Reason | undefined {
    if (!group.removes || this.#isApproved(group)) return undefined;
    const isPlain = group.changes.every((change) => change.kind === "member" && !targetOf(change));
    const reasons = isPlain ? group.changes.flatMap(keysOf).map((key) => this.#held.whyNamed(key)) : [];
    return reasons.find((reason) => reason !== undefined);
  }

  /** Why a row is not inserted yet: a held row has the same claim and does not give way. */
  #whyKeptOut(group: AtomicGroup, world: World): Reason | undefined {
    if (!this.#held.hasClaims) return undefined;
    for (const { claim, row, owners } of newClaims(group, world)) {
      const held = this.#held.claimant(claim);
      if (!held || held.uuid === row.uuid) continue;
      const found = world.actual(held.table, held.uuid);
      const holder = found && world.ownerOf(found);
      if (!owners.some((owner) => givesWay(holder, owner))) return this.#held.why(held);
    }
    return undefined;
  }

  #isTooMuch(groups: readonly AtomicGroup[], owned: () => number, now: number): boolean {
    this.#recent = this.#recent.filter(({ at }) => now - at < this.#limits.windowMs);
    const before = [...this.#held.lessened.values()].filter((reason) => reason === "missing").length;
    const wanted = groups.reduce((sum, group) => sum + lessened(group).length, before);
    const recent = this.#recent.reduce((sum, { rows }) => sum + rows, 0);
    if (wanted === 0 || wanted + recent <= this.#limits.rows) return false;
    return wanted + recent > this.#limits.share * (Math.min(owned(), this.#heldOf ?? Infinity) + recent);
  }

  #isApproved(group: AtomicGroup): boolean {
    return group.changes.every((change) => {
      if (this.#approved.has(change.table, change.uuid)) return true;
      if (change.kind === "delete" || (change.kind === "update" && change.keeping)) return false;
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
}

const keysOf = (change: Change): readonly Atom[] => (change.kind === "member" ? [change.key] : []);

const claimsIn = (group: AtomicGroup, world: World): readonly string[] =>
  lessened(group).flatMap((change) => claimsOf(change, world));

/** Whether the group deletes a row whose place a wanted row of another owner claims. */
const isInTheWay = (group: AtomicGroup, world: World, claimedBy: Claimants): boolean =>
  group.changes.some(
    (change) =>
      change.kind === "delete" &&
      claimsOf(change, world).some((claim) => isClaimedByAnother(claim, change, world, claimedBy)),
  );
