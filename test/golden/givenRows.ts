// A copy of a northbound database that holds the given rows and never changes: what exists already in a golden case.

import { northboundTables } from "../../src/kinds/kinds.ts";
import { observedIndexes } from "../../src/observe/observed.ts";
import type { NorthboundTables } from "../../src/ovn/northbound.gen.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { defaultOf } from "../../src/ovsdb/codec.ts";
import type { Atom, Columns, Replica, Row } from "../../src/ovsdb/index.ts";
import { Rows } from "../../src/ovsdb/rows.ts";

/** Table -> name of a row -> its columns. Columns that are not named have their defaults. A row's UUID is its name. */
export type GivenRows = Readonly<Record<string, Readonly<Record<string, Columns>>>>;

export function givenRows(given: GivenRows): Replica<NorthboundTables> {
  const indexes = observedIndexes(northboundTables);
  const tables = new Map<string, Rows>();
  for (const [table, wanted] of Object.entries(given)) {
    const rows = new Rows(indexes[table] ?? []);
    for (const [name, columns] of Object.entries(wanted))
      rows.replace(undefined, rowOf(table, name, columns));
    tables.set(table, rows);
  }
  const replica = {
    synced: true,
    ready: async () => undefined,
    tables: [...tables.keys()],
    table: (name: string) => ({
      size: tables.get(name)?.size ?? 0,
      get: (uuid: string) => tables.get(name)?.get(uuid),
      values: () => tables.get(name)?.values() ?? [],
      by: (index: string, value: Atom) => tables.get(name)?.by(index, value) ?? [],
    }),
    subscribe: () => () => undefined,
    [Symbol.dispose]: () => undefined,
  };
  return replica as unknown as Replica<NorthboundTables>;
}

function rowOf(table: string, name: string, columns: Columns): Row {
  const schema = northbound.schema.tables.get(table);
  if (!schema) throw new Error(`no table ${table}`);
  const defaults = Object.fromEntries([...schema.columns].map(([column, of]) => [column, defaultOf(of)]));
  return { ...defaults, name, ...mapsIn(columns), _uuid: name };
}

/** YAML has objects where rows have maps. */
const mapsIn = (columns: Columns): Columns =>
  Object.fromEntries(
    Object.entries(columns).map(([column, value]) => [
      column,
      typeof value === "object" && !Array.isArray(value) && !(value instanceof Map)
        ? new Map(Object.entries(value))
        : value,
    ]),
  );
