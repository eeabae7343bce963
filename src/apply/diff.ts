// Compares one row: what is wanted with what exists, as the fewest changes that make them equal. Pure: order,
// transactions and the guard come later. Looks only at columns that facts state, because northd and ovn-controller
// write other columns of the same rows.

import type { Columns, DesiredRow } from "../desired/desiredRow.ts";
import { Part } from "../desired/part.ts";
import { type Atom, type ColumnValue, sameMembers, sameValue } from "../model/fact.ts";
import type { Owner } from "../model/owner.ts";
import { changedColumns, changedMembers, memberLookup, membersOf, type Row } from "../ovsdb/index.ts";
import type { Change, Impossible, MemberChange } from "./change.ts";
import { isGroupTable } from "./columns.ts";
import { keeping } from "./gathered.ts";
import type { MemberColumn, TableRules } from "./tableRules.ts";
import type { World } from "./world.ts";

const pieceSize = 256;
const noColumns: Columns = new Map();

/** What differs in a row, as far as it was looked at. Each look replaces the earlier findings about the same part. */
export class RowDiff {
  readonly table: string;
  readonly uuid: string;
  #own: readonly Change[] = [];
  /** column -> member -> the change; of most rows no member differs */
  #members: Map<string, Map<Atom, Change>> | undefined;

  constructor(table: string, uuid: string) {
    this.table = table;
    this.uuid = uuid;
  }

  /**
   * Compares `part` of the row, and always the row's own columns. Yields after each step, with the change if there is
   * one.
   */
  *look(world: World, part: Part): Generator<Change | undefined, void> {
    const sides = new Sides(world, this.table, this.uuid);
    const own = ownChanges(sides);
    this.#own = own;
    yield* own;
    if (part.isWhole) this.#members = undefined;
    for (const column of sides.rules?.memberColumns.values() ?? []) {
      const keys = part.isWhole ? keysOf(sides, column) : part.members(column.name);
      const compare = memberComparison(sides, column);
      for (const key of keys) {
        const change = compare(key);
        this.#set(column.name, key, change);
        yield change;
      }
    }
  }

  get changes(): readonly Change[] {
    return [
      ...this.#own,
      ...[...(this.#members?.values() ?? [])].flatMap((changes) => [...changes.values()]),
    ];
  }

  #set(column: string, key: Atom, change: Change | undefined): void {
    if (!change) {
      this.#members?.get(column)?.delete(key);
      return;
    }
    this.#members ??= new Map();
    const changes = this.#members.get(column);
    if (changes) changes.set(key, change);
    else this.#members.set(column, new Map([[key, change]]));
  }
}

/** What is wanted of a row, and what exists. */
class Sides {
  readonly world: World;
  readonly table: string;
  readonly uuid: string;
  readonly rules: TableRules | undefined;
  readonly wanted: DesiredRow | undefined;
  readonly found: Row | undefined;
  /** Whether the row is Weft's and nobody wants it any more. */
  readonly isLeaving: boolean;

  constructor(world: World, table: string, uuid: string) {
    this.world = world;
    this.table = table;
    this.uuid = uuid;
    this.rules = world.rules(table);
    this.wanted = world.desired(table, uuid);
    this.found = this.rules && world.actual(table, uuid);
    this.isLeaving = !this.wanted?.columns && this.found !== undefined && world.owns(table, this.found);
  }
}

/** The changes of the row itself: inserted, deleted, or other columns. */
function ownChanges({ table, uuid, rules, wanted, found, isLeaving }: Sides): readonly Change[] {
  if (!rules) {
    const why = "the server has no such table, or Weft's copy leaves it out";
    return wanted ? [impossible(wanted, ownersOf(wanted), why)] : [];
  }
  if (isLeaving) return [{ kind: "delete", table, uuid, owners: [] }];
  if (!wanted) return [];
  const changes: Change[] = [...strayMembers(rules, wanted)];
  if (!wanted.columns) return changes;
  const columns = found ? differing(rules, wanted.columns, found) : own(rules, wanted.columns);
  const { owners } = wanted;
  const kept = found && keeping(table, columns, found);
  if (!found) changes.unshift({ kind: "insert", table, uuid, columns, owners });
  else if (columns.size > 0)
    changes.unshift({ kind: "update", table, uuid, columns, owners, ...(kept && { keeping: kept }) });
  return changes;
}

/** The stated columns that only the row fact decides. */
const own = (rules: TableRules, columns: Columns): Columns =>
  new Map([...columns].filter(([name]) => !rules.memberColumns.has(name)));

/** The columns that differ in `found`. A column that the server's schema lacks never differs. */
function differing(rules: TableRules, columns: Columns, found: Row): Columns {
  let stated: Map<string, ColumnValue> | undefined;
  for (const [name, value] of columns) {
    const column = rules.columns.get(name);
    if (!column || rules.memberColumns.has(name)) continue;
    const actual = found[name];
    const same =
      column.kind === "map" ? actual !== undefined && sameValue(value, actual) : sameAtoms(value, actual);
    if (!same) (stated ??= new Map()).set(name, value);
  }
  return stated ?? noColumns;
}

/** To a fact, scalars, optional values and sets are all sets: `x` is `[x]`, and absent is `[]`. */
function sameAtoms(value: ColumnValue, actual: Row[string]): boolean {
  return value === actual || sameMembers(atomsOf(value), atomsOf(actual));
}

function atomsOf(value: Row[string]): readonly Atom[] {
  if (typeof value !== "object") return value === undefined ? [] : [value];
  return value instanceof Map ? [...value.keys()] : isSet(value) ? value : [];
}

const isSet = (value: Row[string]): value is readonly Atom[] => Array.isArray(value);

/**
 * Every member of the column that is wanted or exists. Before all inputs are synced only those that are wanted: after a
 * restart a node is planned before its pods, and each of their ports would look like one to remove.
 */
function* keysOf({ world, wanted, found, isLeaving }: Sides, column: MemberColumn): Iterable<Atom> {
  const stated = entriesOf(isLeaving ? undefined : wanted?.columns?.get(column.name));
  const members = isLeaving ? stated : (wanted?.members(column.name) ?? stated);
  yield* members.keys();
  if (stated !== members) for (const key of stated.keys()) if (!members.has(key)) yield key;
  if (!world.isSynced()) return;
  for (const key of membersOf(found, column.name)) if (!members.has(key) && !stated.has(key)) yield key;
}

/** Compares members of the column one at a time. */
function memberComparison(
  sides: Sides,
  column: MemberColumn,
): (key: Atom) => MemberChange | Impossible | undefined {
  const { world, table, uuid, wanted, found: row, isLeaving } = sides;
  const { name, reference } = column;
  const stated = entriesOf(wanted?.columns?.get(name));
  const found = memberLookup(row, name);
  // While the row does not exist it may still become Weft's, and the member waits for it.
  const isForeign = row !== undefined && !reference && !wanted?.columns;
  // The maker of a group decides what is in it; Weft's facts are about its own groups.
  const isGroupOfOthers = row !== undefined && isGroupTable(table) && !world.owns(table, row);
  const change = (action: "insert" | "delete", key: Atom, value: Atom, owners: readonly Owner[]) =>
    ({ kind: "member", table, uuid, column, action, key, value, owners }) as const;

  return (key) => {
    const slot = wanted?.member(name, key);
    const there = found(key);
    // If the leaving row holds a row that is now wanted elsewhere, that row moves away first.
    if (isLeaving)
      return there !== undefined && !slot && reference?.holds && isWanted(world, reference.table, key)
        ? change("delete", key, key, [])
        : undefined;
    const value = slot?.value ?? stated.get(key);
    if (value !== undefined) {
      if (value === there) return undefined;
      if (!slot || !isForeign) return change("insert", key, value, (slot ?? wanted)?.owners ?? []);
      const why = `${name} ${String(key)}: the row is not Weft's`;
      return { ...impossible(sides, slot.owners, why), member: { column: name, key } };
    }
    if (there === undefined || isForeign || isGroupOfOthers) return undefined;
    if (reference && !isWefts(world, reference.table, key)) return undefined;
    return change("delete", key, key, []);
  };
}

const isWanted = (world: World, table: string, uuid: Atom): boolean =>
  world.desired(table, String(uuid))?.columns !== undefined;

function isWefts(world: World, table: string, target: Atom): boolean {
  const row = world.actual(table, String(target));
  return row !== undefined && world.owns(table, row);
}

function entriesOf(value: ColumnValue | undefined): ReadonlyMap<Atom, Atom> {
  return value instanceof Map ? value : new Map(atomsOf(value).map((member) => [member, member]));
}

/** Members of columns that take none. A column that the server lacks is no error: the server may be older than the plan. */
function strayMembers(rules: TableRules, wanted: DesiredRow): readonly Impossible[] {
  return [...wanted.memberColumns]
    .filter((name) => rules.columns.has(name) && !rules.memberColumns.has(name))
    .map((name) =>
      impossible(wanted, ownersOf(wanted), `column ${name} takes no members; see apply/columns.ts`),
    );
}

const impossible = (
  { table, uuid }: { readonly table: string; readonly uuid: string },
  owners: readonly Owner[],
  why: string,
): Impossible => ({ kind: "impossible", table, uuid, owners, message: `${table} ${uuid}: ${why}` });

function ownersOf(row: DesiredRow): readonly Owner[] {
  const members = [...row.memberColumns].flatMap((column) => [...(row.members(column)?.values() ?? [])]);
  return [...new Set([...row.owners, ...members.flatMap((slot) => slot.owners)])];
}

/**
 * Whether the replica shows the change: the row exists or is gone, and its columns or its member are as the change left
 * them.
 */
export function isVisible(change: Change, world: World): boolean {
  const row = world.actual(change.table, change.uuid);
  if (change.kind === "impossible") return true;
  if (change.kind === "delete" || !row) return (change.kind === "delete") === (row === undefined);
  const rules = world.rules(change.table);
  if (change.kind !== "member") return !rules || differing(rules, change.columns, row).size === 0;
  const found = memberLookup(row, change.column.name)(change.key);
  return change.action === "insert" ? found === change.value : found === undefined;
}

/**
 * What to compare of a row that changed from `old` to `row`. Of its members, only those that changed. In pieces,
 * because there may be many.
 */
export function* changedParts(
  world: World,
  table: string,
  old: Row | undefined,
  row: Row | undefined,
): Generator<Part, void> {
  if (!old || !row) return yield Part.whole();
  const columns = world.rules(table)?.memberColumns;
  let part = new Part();
  let size = 0;
  for (const name of changedColumns(old, row)) {
    if (!columns?.has(name)) continue;
    for (const key of changedMembers(old, row, name)) {
      part.add(name, key);
      if (++size % pieceSize > 0) continue;
      yield part;
      part = new Part();
    }
  }
  yield part;
}
