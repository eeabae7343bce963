// One operation of a transaction (RFC 7047, section 5.2) as plain data, its wire form, and its text form. The wire
// form depends on the server: columns that its schema does not have are left out.

import { encodeAtoms, encodeColumn, encodeEntries, isSendable, isUuid } from "./codec.ts";
import { isMapValue, isSetValue } from "./columnValue.ts";
import type { Atom, ColumnValue } from "./database.ts";
import { isOvsdbError, OvsdbError } from "./errors.ts";
import type { ColumnSchema, DatabaseSchema, TableSchema } from "./schema.ts";

export type ColumnEntries = readonly (readonly [column: string, value: ColumnValue])[];

export interface MapMutation {
  /** Entries to set. A key that is there already gets the new value. */
  readonly insert?: ReadonlyMap<Atom, Atom>;
  /** Keys to take out. */
  readonly delete?: readonly Atom[];
}

interface OnRow {
  readonly table: string;
  readonly uuid: string;
}

/** Operations on an existing row. `allowMissing`: that there is no such row is no error. */
interface OnExistingRow extends OnRow {
  readonly allowMissing: boolean;
}

export type Operation =
  | {
      readonly kind: "insert";
      readonly table: string;
      readonly uuid?: string;
      readonly columns: ColumnEntries;
    }
  | (OnExistingRow & { readonly kind: "update"; readonly columns: ColumnEntries })
  | (OnExistingRow & { readonly kind: "delete" })
  | (OnExistingRow & {
      readonly kind: "mutateSet";
      readonly column: string;
      readonly how: "insert" | "delete";
      readonly values: readonly Atom[];
    })
  | (OnExistingRow & { readonly kind: "mutateMap"; readonly column: string; readonly mutation: MapMutation })
  | (OnRow & { readonly kind: "wait"; readonly columns: ColumnEntries })
  | { readonly kind: "comment"; readonly text: string };

/**
 * The wire form of `operation`, or undefined when it would do nothing: it touches only columns the server lacks. A
 * wait on such a column is an error instead, because without it the transaction would lose its guard.
 */
export function encodeOperation(
  operation: Operation,
  schema: DatabaseSchema,
  server: DatabaseSchema,
): object | undefined {
  if (operation.kind === "comment") {
    if (!isSendable(operation.text))
      throw new OvsdbError("invalid value", "comment with NUL or broken surrogates");
    return { op: "comment", comment: operation.text };
  }
  const { table } = operation;
  const known = tableOf(schema, table);
  const has = tableOf(server, table).columns;
  const { uuid } = operation;
  if (uuid !== undefined && !isUuid(uuid))
    throw new OvsdbError("invalid value", `${JSON.stringify(uuid)} is not a UUID`);
  const where = [["_uuid", "==", ["uuid", uuid]]];
  switch (operation.kind) {
    case "insert":
      return { op: "insert", table, ...(uuid && { uuid }), row: encodeRow(operation.columns, known, has) };
    case "update": {
      const row = encodeRow(operation.columns, known, has);
      return Object.keys(row).length > 0 ? { op: "update", table, where, row } : undefined;
    }
    case "delete":
      return { op: "delete", table, where };
    case "mutateSet": {
      const column = columnOf(known, operation.column);
      if (!has.has(operation.column)) return undefined;
      const mutation = [operation.column, operation.how, encodeMembers(operation.values, column)];
      return { op: "mutate", table, where, mutations: [mutation] };
    }
    case "mutateMap": {
      const column = columnOf(known, operation.column);
      if (!has.has(operation.column)) return undefined;
      return {
        op: "mutate",
        table,
        where,
        mutations: mapMutations(operation.column, operation.mutation, column),
      };
    }
    case "wait": {
      const row = encodeRow(operation.columns, known, has);
      const columns = Object.keys(row);
      if (columns.length < operation.columns.length)
        throw new OvsdbError("unknown column", "wait: the server lacks a column that the wait names");
      return { op: "wait", table, timeout: 0, where, columns, until: "==", rows: [row] };
    }
  }
}

function encodeRow(columns: ColumnEntries, table: TableSchema, has: TableSchema["columns"]): object {
  const row: Record<string, unknown> = {};
  for (const [name, value] of columns) {
    const column = columnOf(table, name);
    if (!has.has(name)) continue;
    try {
      row[name] = encodeColumn(value, column);
    } catch (error) {
      if (!isOvsdbError(error)) throw error;
      throw new OvsdbError(error.code, `column ${name}: ${error.message}`);
    }
  }
  return row;
}

function encodeMembers(values: readonly Atom[], column: ColumnSchema): unknown {
  if (column.value) throw new OvsdbError("invalid value", "a map column is changed with mutateMap");
  return encodeAtoms(values, column.key);
}

/** `insert` leaves a key that exists as it is (RFC 7047, section 5.1), so each key to set is deleted first. */
function mapMutations(name: string, mutation: MapMutation, column: ColumnSchema): unknown[] {
  if (!column.value) throw new OvsdbError("invalid value", `column ${name} is not a map`);
  const entries = mutation.insert ?? new Map<Atom, Atom>();
  const keys = new Set([...(mutation.delete ?? []), ...entries.keys()]);
  return [
    [name, "delete", encodeAtoms([...keys], column.key)],
    ...(entries.size > 0 ? [[name, "insert", encodeEntries(entries, column.key, column.value)]] : []),
  ];
}

function tableOf(schema: DatabaseSchema, name: string): TableSchema {
  const table = schema.tables.get(name);
  if (table) return table;
  throw new OvsdbError("unknown table", `database ${schema.name} ${schema.version} has no table ${name}`);
}

function columnOf(table: TableSchema, name: string): ColumnSchema {
  const column = table.columns.get(name);
  if (column) return column;
  throw new OvsdbError("unknown column", `no column ${name}`);
}

/** One line: what the operation does, for people and for golden files. */
export function printOperation(operation: Operation): string {
  if (operation.kind === "comment") return `comment ${JSON.stringify(operation.text)}`;
  const row = `${operation.table} ${operation.uuid ?? "(new)"}`;
  switch (operation.kind) {
    case "insert":
    case "update":
    case "wait":
      return [
        operation.kind,
        row,
        ...operation.columns.map(([name, value]) => `${name}=${print(value)}`),
      ].join(" ");
    case "delete":
      return `delete ${row}`;
    case "mutateSet":
      return `mutate ${row} ${operation.column} ${operation.how === "insert" ? "+=" : "-="} ${print(operation.values)}`;
    case "mutateMap": {
      const { insert, delete: keys } = operation.mutation;
      const changes = [keys?.length ? `-= ${print(keys)}` : "", insert?.size ? `+= ${print(insert)}` : ""];
      return ["mutate", row, operation.column, ...changes.filter((change) => change !== "")].join(" ");
    }
  }
}

function print(value: ColumnValue): string {
  if (isMapValue(value)) return `{${[...value].map(([k, v]) => `${print(k)}:${print(v)}`).join(" ")}}`;
  if (isSetValue(value)) return `[${value.map(print).join(" ")}]`;
  return value === undefined ? "[]" : JSON.stringify(value);
}
