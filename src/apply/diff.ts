// The comparison of one row: what is wanted against what is there, as the fewest changes that make them equal. Pure:
// no order, no transaction, no guard; those come after. Looks only at columns that facts state, since northd and
// ovn-controller write others in the same rows.

import type { Columns, DesiredRow } from "../desired/desiredRow.ts";
import { type Atom, type ColumnValue, type Owner, sameMembers, sameValue } from "../model/fact.ts";
import type { Row } from "../ovsdb/index.ts";
import type { Change, Impossible, MemberChange } from "./change.ts";
import type { MemberColumn, TableRules } from "./tableRules.ts";
import type { World } from "./world.ts";

const nothing: readonly Change[] = [];

/** What must change for the row `uuid` of `table` to be as wanted; nothing when it is. */
export function rowDiff(world: World, table: string, uuid: string): readonly Change[] {
  const wanted = world.desired(table, uuid);
  const rules = world.rules(table);
  if (!rules)
    return wanted
      ? [impossible(wanted, "the server has no such table, or the replica was not asked for it")]
      : nothing;
  const found = world.actual(table, uuid);
  if (!wanted?.columns && found && world.owns(table, found))
    return [{ kind: "delete", table, uuid, owners: [] }, ...leaving(world, rules, found, wanted)];
  if (!wanted && !found) return nothing;

  const changes: Change[] = [];
  const columns = wanted?.columns;
  if (columns) {
    const stated = found ? differing(rules, columns, found) : own(rules, columns);
    if (!found || stated.size > 0)
      changes.push({
        kind: found ? "update" : "insert",
        table,
        uuid,
        columns: stated,
        owners: wanted.owners,
      });
  }
  if (wanted) changes.push(...strayMembers(rules, wanted));
  for (const column of rules.memberColumns.values())
    memberDiff(world, { table, uuid, column, wanted, found }, changes);
  return changes;
}

/** Rows that the row to be deleted holds and that are wanted, but no longer here: they move away before it goes. */
function leaving(world: World, rules: TableRules, found: Row, wanted?: DesiredRow): readonly MemberChange[] {
  const { table } = rules;
  return [...rules.memberColumns.values()].flatMap((column) => {
    const { reference } = column;
    if (!reference?.holds) return [];
    return atomsOf(found[column.name])
      .filter(
        (key) => world.desired(reference.table, String(key))?.columns && !wanted?.member(column.name, key),
      )
      .map((key): MemberChange => {
        return {
          kind: "member",
          table,
          uuid: found._uuid,
          column,
          action: "delete",
          key,
          value: key,
          owners: [],
        };
      });
  });
}

/** The stated columns that the row fact alone decides. */
const own = (rules: TableRules, columns: Columns): Columns =>
  new Map([...columns].filter(([name]) => !rules.memberColumns.has(name)));

/** Of these, those that differ in `found`. What the server's schema lacks differs from nothing. */
function differing(rules: TableRules, columns: Columns, found: Row): Columns {
  const stated = new Map<string, ColumnValue>();
  for (const [name, value] of columns) {
    const column = rules.columns.get(name);
    if (!column || rules.memberColumns.has(name)) continue;
    const actual = found[name];
    const same =
      column.kind === "map" ? actual !== undefined && sameValue(value, actual) : sameAtoms(value, actual);
    if (!same) stated.set(name, value);
  }
  return stated;
}

/** Scalars, optional values and sets are all sets to a fact: `x` is `[x]`, and absent is `[]`. */
function sameAtoms(value: ColumnValue, actual: Row[string]): boolean {
  return value === actual || sameMembers(atomsOf(value), atomsOf(actual));
}

function atomsOf(value: Row[string]): readonly Atom[] {
  if (typeof value !== "object") return value === undefined ? [] : [value];
  return value instanceof Map ? [...value.keys()] : isSet(value) ? value : [];
}

const isSet = (value: Row[string]): value is readonly Atom[] => Array.isArray(value);

interface Side {
  readonly table: string;
  readonly uuid: string;
  readonly column: MemberColumn;
  readonly wanted: DesiredRow | undefined;
  readonly found: Row | undefined;
}

/** Members to put in, and those of Weft to take out. */
function memberDiff(world: World, side: Side, changes: Change[]): void {
  const { table, uuid, column, wanted, found } = side;
  const members = wanted?.members(column.name);
  const stated = wanted?.columns?.get(column.name);
  const actual = found?.[column.name];
  const add = (action: "insert" | "delete", key: Atom, value: Atom, owners: readonly Owner[]): void => {
    changes.push({ kind: "member", table, uuid, column, action, key, value, owners });
  };

  // Before the row is there it may still become Weft's; the member waits for it.
  const plainInForeignRow = found !== undefined && !column.reference && !wanted?.columns;
  const there = memberLookup(actual);
  for (const [key, slot] of members ?? []) {
    if (there(key) === slot.value) continue;
    if (plainInForeignRow)
      changes.push(impossible(wanted, `${column.name} ${String(key)}: the row is not Weft's`));
    else add("insert", key, slot.value, slot.owners);
  }
  for (const [key, value] of entriesOf(stated))
    if (!members?.has(key) && there(key) !== value) add("insert", key, value, wanted?.owners ?? []);

  if (!found || plainInForeignRow) return;
  const isStated = new Set(atomsOf(stated));
  for (const key of atomsOf(actual)) {
    if (members?.has(key) || isStated.has(key)) continue;
    if (!column.reference || isWefts(world, column.reference.table, key)) add("delete", key, key, []);
  }
}

/** What a set or map holds for a key: the member itself, the entry's value, or undefined. */
function memberLookup(actual: Row[string]): (key: Atom) => Atom | undefined {
  if (actual instanceof Map) return (key) => actual.get(key);
  const members = new Set(atomsOf(actual));
  return (key) => (members.has(key) ? key : undefined);
}

function isWefts(world: World, table: string, target: Atom): boolean {
  const row = world.actual(table, String(target));
  return row !== undefined && world.owns(table, row);
}

function* entriesOf(value: ColumnValue | undefined): Iterable<readonly [Atom, Atom]> {
  if (value instanceof Map) yield* value;
  else for (const member of atomsOf(value)) yield [member, member];
}

/** Members of columns that take none. Columns that the server lacks are no error: it may be older than the plan. */
function strayMembers(rules: TableRules, wanted: DesiredRow): readonly Impossible[] {
  return [...wanted.memberColumns]
    .filter((name) => rules.columns.has(name) && !rules.memberColumns.has(name))
    .map((name) => impossible(wanted, `column ${name} takes no members; see apply/columns.ts`));
}

function impossible(row: DesiredRow | undefined, why: string): Impossible {
  const { table, uuid } = row ?? { table: "", uuid: "" };
  const owners = row ? ownersOf(row) : [];
  return { kind: "impossible", table, uuid, owners, message: `${table} ${uuid}: ${why}` };
}

function ownersOf(row: DesiredRow): readonly Owner[] {
  const members = [...row.memberColumns].flatMap((column) => [...(row.members(column)?.values() ?? [])]);
  return [...new Set([...row.owners, ...members.flatMap((slot) => slot.owners)])];
}

/** The replica shows the change: its row is there or gone, its columns or its member are as the change left them. */
export function isVisible(change: Change, world: World): boolean {
  const row = world.actual(change.table, change.uuid);
  if (change.kind === "impossible") return true;
  if (change.kind === "delete" || !row) return (change.kind === "delete") === (row === undefined);
  const rules = world.rules(change.table);
  if (change.kind !== "member") return !rules || differing(rules, change.columns, row).size === 0;
  const found = memberLookup(row[change.column.name])(change.key);
  return change.action === "insert" ? found === change.value : found === undefined;
}
