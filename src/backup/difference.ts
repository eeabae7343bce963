// From the rows that a database has to those of a backup: only what differs, and rows keep their UUIDs (`ovsdb-client
// restore` gives all rows new ones). So OVN has as little to do as possible, and running pods are not affected.

import type { Atom, ColumnValue, DatabaseSchema, Row, Transaction } from "../ovsdb/index.ts";
import type { Content } from "./file.ts";

export interface Difference {
  readonly inserted: readonly (readonly [table: string, row: Row])[];
  readonly updated: readonly (readonly [table: string, uuid: string, columns: Changes])[];
  readonly deleted: readonly (readonly [table: string, uuid: string])[];
}

type Changes = ReadonlyMap<string, ColumnValue>;

/** How a server listens, and with which certificate, is that server's own. */
const serversOwn: ReadonlySet<string> = new Set(["Connection", "SSL"]);
/** Of NB_Global. The numbers only grow: anything that waits for a later one would wait forever. */
const ownColumns: ReadonlySet<string> = new Set([
  ...["connections", "ssl"],
  ...["nb_cfg", "sb_cfg", "hv_cfg"].flatMap((name) => [name, `${name}_timestamp`]),
]);

/** What ovn-northd says about a port: whether it is bound. */
const isNorthds = (table: string, column: string): boolean =>
  table === "Logical_Switch_Port" && column === "up";

/** `except` has the UUIDs of rows that stay as they are. */
export function differenceOf(
  schema: DatabaseSchema,
  present: Content,
  wanted: Content,
  except: ReadonlySet<string>,
): Difference {
  const parts = [...schema.tables]
    .filter(([table]) => !serversOwn.has(table))
    .map(([table, { maxRows }]) => {
      const ofTable = (content: Content): readonly Row[] =>
        (content.get(table) ?? []).filter(({ _uuid }) => !except.has(_uuid));
      return inTable(table, ofTable(present), ofTable(wanted), maxRows === 1);
    });
  return {
    inserted: parts.flatMap(({ inserted }) => inserted),
    updated: parts.flatMap(({ updated }) => updated),
    deleted: parts.flatMap(({ deleted }) => deleted),
  };
}

/** The one row of a table that has only one (NB_Global) stays, though it has another UUID in every database. */
function inTable(
  table: string,
  present: readonly Row[],
  wanted: readonly Row[],
  isSingle: boolean,
): Difference {
  const there = new Map(present.map((row) => [row._uuid, row]));
  const kept = new Set(wanted.map(({ _uuid }) => _uuid));
  const pairs = wanted.map((row) => ({ row, old: isSingle ? present[0] : there.get(row._uuid) }));
  return {
    inserted: pairs.flatMap(({ row, old }) => (old ? [] : [[table, row] as const])),
    updated: pairs.flatMap(({ row, old }) => {
      const columns = old ? changes(table, old, row, isSingle) : new Map();
      return old && columns.size > 0 ? [[table, old._uuid, columns] as const] : [];
    }),
    deleted: isSingle
      ? []
      : present.flatMap(({ _uuid }) => (kept.has(_uuid) ? [] : [[table, _uuid] as const])),
  };
}

const changes = (table: string, old: Row, row: Row, isSingle: boolean): Changes =>
  new Map(
    Object.entries(row).filter(
      ([name, value]) =>
        name !== "_uuid" &&
        !isNorthds(table, name) &&
        !(isSingle && ownColumns.has(name)) &&
        textOf(value) !== textOf(old[name]),
    ),
  );

/** Equal for equal values: sets and maps have no order. */
function textOf(value: ColumnValue): string {
  if (value instanceof Map)
    return JSON.stringify([...value].map((entry) => entry.map(String)).toSorted(byKey));
  return JSON.stringify(isSet(value) ? value.map(String).toSorted() : atomText(value));
}

/** A map has been dealt with; the type of a map that only reads does not say that it is no atom. */
const atomText = (value: ColumnValue): string =>
  typeof value === "object" ? "" : `${typeof value} ${String(value)}`;

const isSet = (value: ColumnValue): value is readonly Atom[] => Array.isArray(value);

const byKey = ([a = ""]: readonly string[], [b = ""]: readonly string[]): number => (a < b ? -1 : 1);

/** Adds the difference to a transaction. */
export function writeDifference(tx: Transaction, { inserted, updated, deleted }: Difference): void {
  for (const [table, { _uuid, ...columns }] of inserted) {
    const own = Object.entries(columns).filter(([column]) => !isNorthds(table, column));
    tx.insert(table, Object.fromEntries(own), _uuid);
  }
  for (const [table, uuid, columns] of updated) tx.update(table, uuid, columns);
  // A row outside the root set may go with the last one that refers to it.
  for (const [table, uuid] of deleted) tx.delete(table, uuid, { allowMissing: true });
}
