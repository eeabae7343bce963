// The operations of a transaction (RFC 7047, section 5.2), in JavaScript values. `encodeOperation` turns them into
// the wire form for one server, without columns that its schema lacks.

import { encodeAtom, encodeAtoms, encodeColumn, encodeEntries, isSendable, isUuid } from "./codec.ts";
import { type Atom, type ColumnValue, type Integer, isMapValue } from "./columnValue.ts";
import { type Condition, columnsOf, encodeConditions } from "./condition.ts";
import { checkConstraints } from "./constraints.ts";
import { isOvsdbError, OvsdbError } from "./errors.ts";
import { sameShape } from "./rowDecoder.ts";
import type { ColumnSchema, DatabaseSchema, TableSchema } from "./schema.ts";

export type ColumnEntries = readonly (readonly [column: string, value: ColumnValue])[];

/** How to change a map column that holds `Entries`. */
export interface MapMutation<Entries = ReadonlyMap<Atom, Atom>> {
  /** Entries to set. An existing key gets the new value. */
  readonly insert?: Entries;
  /** Keys to remove, or, as a map, entries to remove if they have exactly these values. */
  readonly delete?: Entries extends ReadonlyMap<infer Key, unknown> ? readonly Key[] | Entries : never;
}

/** What `mutate` can do with numbers; `/=` and `%=` of an integer round towards zero. */
export type Arithmetic = "+=" | "-=" | "*=" | "/=" | "%=";

/** The row with a UUID, or the rows that meet all conditions. */
interface OnRows {
  readonly table: string;
  readonly uuid?: string;
  readonly where?: readonly Condition[];
}

/** Operations that change existing rows. With `allowMissing`, a missing row is not an error. */
interface OnExistingRows extends OnRows {
  readonly allowMissing: boolean;
}

export type Operation =
  | {
      readonly kind: "insert";
      readonly table: string;
      readonly uuid?: string;
      readonly columns: ColumnEntries;
    }
  | (OnRows & { readonly kind: "select"; readonly columns?: readonly string[] })
  | (OnExistingRows & { readonly kind: "update"; readonly columns: ColumnEntries })
  | (OnExistingRows & { readonly kind: "delete" })
  | (OnExistingRows & {
      readonly kind: "mutateSet";
      readonly column: string;
      readonly how: "insert" | "delete";
      readonly values: readonly Atom[];
    })
  | (OnExistingRows & { readonly kind: "mutateMap"; readonly column: string; readonly mutation: MapMutation })
  | (OnExistingRows & {
      readonly kind: "mutateNumber";
      readonly column: string;
      readonly how: Arithmetic;
      readonly value: Integer;
    })
  | (OnRows & {
      readonly kind: "wait";
      readonly until: "==" | "!=";
      readonly columns: readonly string[];
      readonly rows: readonly ColumnEntries[];
      /** Undefined: as long as it takes. */
      readonly timeoutMs: number | undefined;
    })
  | { readonly kind: "abort" | "durable" }
  | { readonly kind: "assert"; readonly lock: string }
  | { readonly kind: "comment"; readonly text: string };

/**
 * The wire form of `operation`, or undefined when it would do nothing because it touches only columns that the server
 * lacks. A wait or a condition on such a column is an error instead: without it the transaction would lose its guard.
 */
export function encodeOperation(
  operation: Operation,
  schema: DatabaseSchema,
  server: DatabaseSchema,
): object | undefined {
  if (!("table" in operation)) return encodeTableless(operation);
  const { table, uuid } = operation;
  const known = tableOf(schema, table);
  const has = tableOf(server, table).columns;
  if (uuid !== undefined && !isUuid(uuid))
    throw new OvsdbError("invalid value", `${JSON.stringify(uuid)} is not a UUID`);
  if (operation.kind === "insert")
    return {
      op: "insert",
      table,
      ...(uuid && { uuid }),
      row: encodeRow(operation.columns, known, has, checkConstraints),
    };

  const { where: conditions = [] } = operation;
  mustHave(known, has, columnsOf(conditions), "condition");
  const where = uuid === undefined ? encodeConditions(conditions, known) : [["_uuid", "==", ["uuid", uuid]]];
  switch (operation.kind) {
    case "select": {
      const wanted = operation.columns ?? [...known.columns.keys()];
      for (const column of wanted) columnOf(known, column);
      return { op: "select", table, where, columns: ["_uuid", ...wanted.filter((name) => has.has(name))] };
    }
    case "update": {
      const row = encodeRow(operation.columns, known, has, checkConstraints);
      return Object.keys(row).length > 0 ? { op: "update", table, where, row } : undefined;
    }
    case "delete":
      return { op: "delete", table, where };
    case "mutateSet":
    case "mutateMap":
    case "mutateNumber": {
      const column = columnOf(known, operation.column);
      if (!isThere(operation.column, column, has)) return undefined;
      return { op: "mutate", table, where, mutations: mutationsOf(operation, column) };
    }
    case "wait": {
      const { columns, until, timeoutMs } = operation;
      mustHave(known, has, columns, "wait");
      const rows = operation.rows.map((row) => encodeRow(row, known, has));
      const timeout = timeoutMs === undefined ? {} : { timeout: encodeAtom(timeoutMs, { type: "integer" }) };
      return { op: "wait", table, ...timeout, where, columns, until, rows };
    }
  }
}

function encodeTableless(operation: Exclude<Operation, { readonly table: string }>): object {
  switch (operation.kind) {
    case "comment":
      return { op: "comment", comment: sendable(operation.text, "comment") };
    case "assert":
      return { op: "assert", lock: sendable(operation.lock, "lock") };
    case "abort":
      return { op: "abort" };
    case "durable":
      return { op: "commit", durable: true };
  }
}

/** The values of a row that is written are also checked by the server's own rules; those of a `wait` are not. */
function encodeRow(
  columns: ColumnEntries,
  table: TableSchema,
  has: TableSchema["columns"],
  check: (value: ColumnValue, column: ColumnSchema) => void = () => {},
): object {
  const row: Record<string, unknown> = {};
  for (const [name, value] of columns) {
    const column = columnOf(table, name);
    if (!isThere(name, column, has)) continue;
    try {
      row[name] = encodeColumn(value, column);
      check(value, has.get(name) ?? column);
    } catch (error) {
      if (!isOvsdbError(error)) throw error;
      throw new OvsdbError(error.code, `column ${name}: ${error.message}`);
    }
  }
  return row;
}

function mutationsOf(
  operation: Extract<Operation, { kind: "mutateSet" | "mutateMap" | "mutateNumber" }>,
  column: ColumnSchema,
): unknown[] {
  switch (operation.kind) {
    case "mutateSet":
      if (column.value) throw new OvsdbError("invalid value", "a map column is changed with mutateMap");
      return [[operation.column, operation.how, encodeAtoms(operation.values, column.key)]];
    case "mutateMap":
      return mapMutations(operation.column, operation.mutation, column);
    case "mutateNumber":
      if (column.value || (column.key.type !== "integer" && column.key.type !== "real"))
        throw new OvsdbError("invalid value", `column ${operation.column} holds no numbers`);
      return [[operation.column, operation.how, encodeAtom(operation.value, column.key)]];
  }
}

/** `insert` does not change an existing key (RFC 7047, section 5.1), so each key to set is deleted first. */
function mapMutations(name: string, mutation: MapMutation, column: ColumnSchema): unknown[] {
  if (!column.value) throw new OvsdbError("invalid value", `column ${name} is not a map`);
  const { insert: entries = new Map<Atom, Atom>(), delete: gone = [] } = mutation;
  const exact = isMapValue(gone) ? gone : new Map<Atom, Atom>();
  const keys = new Set([...(isMapValue(gone) ? [] : gone), ...entries.keys()]);
  return [
    ...(exact.size > 0 ? [[name, "delete", encodeEntries(exact, column.key, column.value)]] : []),
    ...(keys.size > 0 || exact.size === 0 ? [[name, "delete", encodeAtoms([...keys], column.key)]] : []),
    ...(entries.size > 0 ? [[name, "insert", encodeEntries(entries, column.key, column.value)]] : []),
  ];
}

function sendable(text: string, what: string): string {
  if (isSendable(text)) return text;
  throw new OvsdbError("invalid value", `${what} with NUL or broken surrogates`);
}

function mustHave(
  known: TableSchema,
  has: TableSchema["columns"],
  columns: readonly string[],
  what: string,
): void {
  for (const name of columns)
    if (name !== "_uuid" && !isThere(name, columnOf(known, name), has))
      throw new OvsdbError("unknown column", `${what}: the server has no column ${name}, which it names`);
}

/**
 * Whether the server has `column`. Throws if the server has it with another type, because the value could not be
 * expressed.
 */
function isThere(name: string, column: ColumnSchema, has: TableSchema["columns"]): boolean {
  const there = has.get(name);
  if (!there || sameShape(column, there)) return there !== undefined;
  const types = [there.key.type, there.value?.type].filter((type) => type !== undefined);
  throw new OvsdbError(
    "unknown column",
    `the server has column ${name} as another type (${there.kind} of ${types.join(" to ")}): regenerate the row types from its schema`,
  );
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
