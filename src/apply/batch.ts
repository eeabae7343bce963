// From groups to transactions. A row's needs come before it or with it, a batch stays within limits, and the changes of
// one row become as few operations as possible. Groups are never split.

import type { Atom, ColumnValue } from "../model/fact.ts";
import { memberLookup, type Row, type Transaction } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { bytesOf, type Change, type MemberChange, type RowUpdate } from "./change.ts";
import { changedEntries } from "./gathered.ts";
import type { World } from "./world.ts";

export interface BatchLimits {
  /** Changes in one transaction. Each member counts, although members of one column share an operation. */
  readonly changes: number;
  readonly bytes: number;
}

export const bytesOfGroup = (group: AtomicGroup): number =>
  group.changes.reduce((bytes, change) => bytes + bytesOf(change), 0);

/**
 * Orders the groups so that each comes after the groups that insert what it needs, and cuts them into batches. Yields
 * often.
 */
export function* batches(
  groups: readonly AtomicGroup[],
  limits: BatchLimits,
): Generator<void, readonly (readonly AtomicGroup[])[]> {
  const cut: AtomicGroup[][] = [];
  let changes = Number.POSITIVE_INFINITY;
  let bytes = 0;
  for (const group of yield* inOrderOfNeeds(groups)) {
    const size = bytesOfGroup(group);
    if (changes + group.changes.length > limits.changes || bytes + size > limits.bytes) {
      cut.push([]);
      changes = bytes = 0;
    }
    cut.at(-1)?.push(group);
    changes += group.changes.length;
    bytes += size;
    yield;
  }
  return cut;
}

/** The groups whose needs are met by the database or within the same batch. Sending the others would lose members. */
export function ready(groups: readonly AtomicGroup[], world: Pick<World, "actual">): readonly AtomicGroup[] {
  const coming = insertedBy(groups);
  const kept = groups.filter(({ needs }) =>
    needs.every(({ table, uuid }) => coming.has(uuid) || world.actual(table, uuid)),
  );
  return kept.length === groups.length ? kept : ready(kept, world);
}

/** One transaction with all changes of `groups`: inserts, updates, members, deletes. Adds them to `transaction`. */
export function transactionOf(
  groups: readonly AtomicGroup[],
  world: Pick<World, "actual" | "rules">,
  transaction: Transaction,
): Transaction {
  const all = groups.flatMap((group) => group.changes);
  const gone = new Set<Atom>(all.filter(({ kind }) => kind === "delete").map(({ uuid }) => uuid));
  const changes = all.filter((change) => !isImplied(change, gone));
  const members = Map.groupBy(
    [...changes.filter(isMember), ...vanishing(changes, gone, world)],
    ({ uuid }) => uuid,
  );
  for (const change of changes) {
    if (change.kind !== "insert") continue;
    transaction.insert(change.table, withMembers(change.columns, members.get(change.uuid)), change.uuid);
    members.delete(change.uuid);
  }
  for (const change of changes)
    if (change.kind === "update") update(transaction, change, world.actual(change.table, change.uuid));
  for (const ofRow of members.values())
    for (const ofColumn of Map.groupBy(ofRow, (change) => change.column.name).values())
      mutate(transaction, ofColumn);
  // A row outside the root set goes with the last reference to it. The server would refuse to delete it as well.
  for (const change of changes)
    if (change.kind === "delete" && world.rules(change.table)?.isRoot !== false)
      transaction.delete(change.table, change.uuid);
  return transaction;
}

/** A weak reference goes with its target. */
const isImplied = (change: Change, gone: ReadonlySet<Atom>): boolean =>
  change.kind === "member" &&
  change.action === "delete" &&
  change.column.reference?.strong === false &&
  gone.has(change.key);

/**
 * Weak references to rows that this transaction removes, from rows that it changes too. The server would remove the
 * references by itself, but ovsdb-server 3.1 then keeps a stale record of them. When the row comes back under its UUID
 * and the row that referred to it is deleted, the server crashes. Removed explicitly, they leave no trace.
 */
function vanishing(
  changes: readonly Change[],
  gone: ReadonlySet<Atom>,
  world: Pick<World, "actual" | "rules">,
): readonly MemberChange[] {
  if (gone.size === 0) return [];
  const changed = new Map<string, Change>();
  for (const change of changes)
    if (change.kind !== "insert" && !gone.has(change.uuid)) changed.set(change.uuid, change);
  return [...changed.values()].flatMap(({ table, uuid }) => {
    const columns = [...(world.rules(table)?.memberColumns.values() ?? [])];
    return columns
      .filter(({ reference }) => reference?.strong === false)
      .flatMap((column) => {
        const found = memberLookup(world.actual(table, uuid), column.name);
        return [...gone]
          .filter((key) => found(key) !== undefined)
          .map(
            (key) =>
              ({
                kind: "member",
                table,
                uuid,
                column,
                action: "delete",
                key,
                value: key,
                owners: [],
              }) as const,
          );
      });
  });
}

const isMember = (change: Change): change is MemberChange => change.kind === "member";

function* inOrderOfNeeds(groups: readonly AtomicGroup[]): Generator<void, Iterable<AtomicGroup>> {
  const providers = insertedBy(groups);
  const ordered = new Set<AtomicGroup>();
  const visiting = new Set<AtomicGroup>();
  const visit = (group: AtomicGroup): void => {
    if (visiting.has(group)) return;
    visiting.add(group);
    for (const { uuid } of group.needs) {
      const provider = providers.get(uuid);
      if (provider) visit(provider);
    }
    ordered.add(group);
  };
  for (const group of groups) {
    visit(group);
    yield;
  }
  return ordered;
}

/** uuid -> the group that inserts it */
function insertedBy(groups: readonly AtomicGroup[]): ReadonlyMap<string, AtomicGroup> {
  const providers = new Map<string, AtomicGroup>();
  for (const group of groups)
    for (const change of group.changes) if (change.kind === "insert") providers.set(change.uuid, group);
  return providers;
}

/** The columns of a new row, with its first members. */
function withMembers(
  columns: ReadonlyMap<string, ColumnValue>,
  members: readonly MemberChange[] = [],
): ReadonlyMap<string, ColumnValue> {
  const all = new Map(columns);
  for (const [name, ofColumn] of Map.groupBy(members, (change) => change.column.name))
    all.set(name, ofColumn[0]?.column.map ? entries(ofColumn) : keys(ofColumn));
  return all;
}

function update(transaction: Transaction, { table, uuid, columns }: RowUpdate, found: Row | undefined): void {
  const entries = changedEntries(table, columns, found);
  const whole = entries?.others ?? columns;
  if (whole.size > 0) transaction.update(table, uuid, whole);
  if (!entries) return;
  const { column, insert, delete: gone } = entries;
  transaction.mutateMap(table, uuid, column, { insert, delete: gone });
}

function mutate(transaction: Transaction, changes: readonly MemberChange[]): void {
  const [first] = changes;
  if (!first) return;
  const { table, uuid, column } = first;
  const inserted = changes.filter((change) => change.action === "insert");
  const deleted = changes.filter((change) => change.action === "delete");
  if (column.map) {
    transaction.mutateMap(table, uuid, column.name, { insert: entries(inserted), delete: keys(deleted) });
    return;
  }
  if (inserted.length > 0) transaction.mutateSet(table, uuid, column.name, "insert", keys(inserted));
  if (deleted.length > 0) transaction.mutateSet(table, uuid, column.name, "delete", keys(deleted));
}

const keys = (changes: readonly MemberChange[]): readonly Atom[] => changes.map((change) => change.key);

const entries = (changes: readonly MemberChange[]): ReadonlyMap<Atom, Atom> =>
  new Map(changes.map((change) => [change.key, change.value]));
