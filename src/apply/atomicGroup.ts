// Atoms: changes that are committed together or not at all. A row that exists only while it is referred to is committed
// with every member that holds it, so a port never vanishes between two switches. A unique name passes from one row to
// the next in one step. A row is committed with the new rows that its columns refer to. Every other change is a group
// of its own, so one refused change holds up nothing else.

import { memberLookup, membersOf, type Row } from "../ovsdb/index.ts";
import {
  type Change,
  isRemoval,
  type MemberChange,
  type RowDelete,
  type RowInsert,
  targetOf,
} from "./change.ts";
import type { RowName } from "./look.ts";
import { UnionFind } from "./unionFind.ts";
import type { World } from "./world.ts";

export interface AtomicGroup {
  /** Stays the same when the same change comes in a later flush. */
  readonly id: string;
  readonly changes: readonly Change[];
  /** Rows that must exist before, or come in the same transaction. */
  readonly needs: readonly RowName[];
  /** It removes something of Weft's that nothing wants any more. A move does not. */
  readonly removes: boolean;
  /** Waits for other facts: sending it now would lose a row. */
  readonly incomplete: boolean;
  /** Why it cannot be done with the present facts and database, for people. */
  readonly problem?: string;
}

/** All changes of a flush, seen together. */
interface Flush {
  readonly world: World;
  readonly inserted: ReadonlyMap<string, RowInsert>;
  readonly deleted: ReadonlyMap<string, RowDelete>;
}

/**
 * Puts the changes into groups, in no particular order. Yields often, because a first start has tens of thousands of
 * changes.
 */
export function* atomicGroups(
  changes: readonly Change[],
  world: World,
): Generator<void, readonly AtomicGroup[]> {
  const flush: Flush = {
    world,
    inserted: new Map(changes.filter((change) => change.kind === "insert").map((row) => [row.uuid, row])),
    deleted: new Map(changes.filter((change) => change.kind === "delete").map((row) => [row.uuid, row])),
  };
  const sets = new UnionFind();
  for (const change of changes) {
    joinReferences(flush, change, sets);
    yield;
  }
  yield* joinNames(flush, changes, sets);
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const root = sets.find(nodeOf(flush, change));
    const group = groups.get(root);
    if (group) group.push(change);
    else groups.set(root, [change]);
    yield;
  }
  const described: AtomicGroup[] = [];
  for (const group of groups.values()) {
    described.push(describe(flush, group));
    yield;
  }
  return described;
}

/** The key of what the change belongs to: a row, or only itself. */
function nodeOf(flush: Flush, change: Change): string {
  if (change.kind === "impossible") return `${change.uuid} ${change.message}`;
  if (change.kind !== "member") return change.uuid;
  const target = targetOf(change);
  if (target && belongsToTarget(flush, change, target.uuid)) return target.uuid;
  return `${change.uuid} ${change.column.name} ${String(change.key)}`;
}

function belongsToTarget(flush: Flush, change: MemberChange, target: string): boolean {
  if (change.column.reference?.holds) return true;
  if (change.action === "delete") return flush.deleted.has(target);
  // A new port joins existing groups in the transaction that adds it to its switch: it is never without its policies.
  const isNew = flush.inserted.get(target);
  return (
    isNew !== undefined &&
    flush.world.rules(isNew.table)?.isRoot === false &&
    flush.world.actual(change.table, change.uuid) !== undefined
  );
}

/** Joins a row with the new rows that its columns refer to, and a deleted row with the rows that it takes with it. */
function joinReferences(flush: Flush, change: Change, sets: UnionFind): void {
  if (change.kind === "delete")
    for (const row of heldBy(flush, change)) if (!isWanted(flush, row)) sets.join(row.uuid, change.uuid);
  if (change.kind === "insert" || change.kind === "update")
    for (const { uuid } of referred(flush, change))
      if (flush.inserted.has(uuid)) sets.join(uuid, change.uuid);
}

/** The rows that the stated columns refer to, member columns excepted. */
function* referred(flush: Flush, change: Change): Iterable<RowName> {
  if (change.kind !== "insert" && change.kind !== "update") return;
  for (const [column, { table }] of flush.world.rules(change.table)?.references ?? []) {
    const value = change.columns.get(column);
    if (Array.isArray(value)) for (const uuid of value) yield { table, uuid: String(uuid) };
    else if (typeof value === "string") yield { table, uuid: value };
  }
}

/** The rows that the deleted row keeps alive by a reference. */
function* heldBy(flush: Flush, { table, uuid }: RowDelete): Iterable<RowName> {
  const row = flush.world.actual(table, uuid);
  const rules = flush.world.rules(table);
  if (!row || !rules) return;
  const columns = [...rules.memberColumns.values()].map(({ name, reference }) => [name, reference] as const);
  for (const [name, reference] of [...columns, ...rules.references]) {
    if (!reference?.holds) continue;
    for (const held of membersOf(row, name)) yield { table: reference.table, uuid: String(held) };
  }
}

/** Joins the row that takes a unique name with the row that gives it up. */
function* joinNames(flush: Flush, changes: readonly Change[], sets: UnionFind): Generator<void, void> {
  const givers = new Map<string, string>();
  for (const change of changes) {
    if (change.kind !== "delete" && change.kind !== "update") continue;
    const row = flush.world.actual(change.table, change.uuid);
    for (const name of row ? uniqueNames(flush, change, (column) => row[column]) : [])
      givers.set(name, change.uuid);
    yield;
  }
  if (givers.size === 0) return;
  for (const change of changes) {
    if (change.kind !== "insert" && change.kind !== "update") continue;
    const row = flush.world.actual(change.table, change.uuid);
    for (const name of uniqueNames(flush, change, (column) => change.columns.get(column) ?? row?.[column])) {
      const giver = givers.get(name);
      if (giver !== undefined) sets.join(giver, change.uuid);
    }
    yield;
  }
}

/** The values of the table's unique indexes that the change affects. */
function uniqueNames(
  flush: Flush,
  change: Exclude<Change, MemberChange>,
  valueOf: (column: string) => Row[string],
): readonly string[] {
  return (flush.world.rules(change.table)?.indexes ?? [])
    .filter((columns) => change.kind !== "update" || columns.some((column) => change.columns.has(column)))
    .map((columns) => JSON.stringify([change.table, columns, columns.map(valueOf)]));
}

function describe(flush: Flush, changes: readonly Change[]): AtomicGroup {
  const held = new Set<string>();
  const released = new Map<string, RowName>();
  for (const change of changes) {
    if (change.kind === "member" && change.column.reference?.holds) {
      if (change.action === "insert") held.add(String(change.key));
      else
        released.set(String(change.key), { table: change.column.reference.table, uuid: String(change.key) });
    }
    if (change.kind === "delete") for (const row of heldBy(flush, change)) released.set(row.uuid, row);
  }
  const foreign = [...released.values()].find((row) => !held.has(row.uuid) && isForeign(flush, row));
  const impossible = changes.find((change) => change.kind === "impossible");
  const problem = impossible?.message ?? (foreign && foreignMessage(changes, foreign));
  return {
    id: idOf(flush, changes),
    changes,
    needs: needsOf(flush, changes),
    removes: changes.some(
      (change) => isRemoval(change) && !(change.kind === "member" && held.has(String(change.key))),
    ),
    incomplete: changes.some((change) => isIncomplete(flush, change, held, released)),
    ...(problem !== undefined && { problem }),
  };
}

const idOf = (flush: Flush, changes: readonly Change[]): string =>
  changes
    .map((change) => (change.kind === "member" ? nodeOf(flush, change) : change.uuid))
    .reduce((least, id) => (id < least ? id : least));

const isForeign = ({ world }: Flush, { table, uuid }: RowName): boolean => {
  const row = world.actual(table, uuid);
  return row !== undefined && !world.owns(table, row);
};

/**
 * Whether the change would lose a wanted row, insert a row that nothing holds, or try to delete a row that a wanted
 * member keeps alive.
 */
function isIncomplete(
  flush: Flush,
  change: Change,
  held: ReadonlySet<string>,
  released: ReadonlyMap<string, RowName>,
): boolean {
  const isRoot = flush.world.rules(change.table)?.isRoot !== false;
  if (change.kind === "insert") return !isRoot && !held.has(change.uuid);
  if (change.kind === "delete")
    return (
      (!isRoot && !released.has(change.uuid)) ||
      [...heldBy(flush, change)].some((row) => isWanted(flush, row))
    );
  const target = change.kind === "member" && change.action === "delete" ? targetOf(change) : undefined;
  return target !== undefined && released.has(target.uuid) && !held.has(target.uuid) && isLost(flush, target);
}

const isWanted = ({ world }: Flush, { table, uuid }: RowName): boolean =>
  world.desired(table, uuid)?.columns !== undefined;

/** Whether the row is wanted, but the member that should hold it does not exist yet. */
function isLost(flush: Flush, { table, uuid }: RowName): boolean {
  const wanted = flush.world.desired(table, uuid);
  if (!wanted?.columns) return false;
  return !wanted.owners.some((owner) =>
    flush.world.factsOf(owner).some((fact) => {
      if (fact.kind !== "member" || fact.value !== uuid || flush.deleted.has(fact.uuid)) return false;
      if (!flush.world.rules(fact.table)?.memberColumns.get(fact.column)?.reference?.holds) return false;
      return memberLookup(flush.world.actual(fact.table, fact.uuid), fact.column)(uuid) !== undefined;
    }),
  );
}

function needsOf(flush: Flush, changes: readonly Change[]): readonly RowName[] {
  const needs = new Map<string, RowName>();
  for (const change of changes) {
    for (const row of referred(flush, change)) needs.set(row.uuid, row);
    if (change.kind !== "member" || change.action === "delete") continue;
    needs.set(change.uuid, change);
    const target = targetOf(change);
    if (target) needs.set(target.uuid, target);
  }
  for (const change of changes) if (change.kind === "insert") needs.delete(change.uuid);
  return [...needs.values()].filter(({ table, uuid }) => !flush.world.actual(table, uuid));
}

function foreignMessage(changes: readonly Change[], foreign: RowName): string {
  const holder = changes.find((change) => change.kind === "delete") ?? foreign;
  return `${holder.table} ${holder.uuid} is no longer wanted, but holds ${foreign.table} ${foreign.uuid}, which is not Weft's; move or delete that row`;
}
