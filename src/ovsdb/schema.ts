// Database schemas (RFC 7047, section 3.2), parsed once from the JSON of a .ovsschema file or of a `get_schema` reply
// into the form that codec, codegen and replica work with. Input comes from a peer, so all of it is checked.

import type { Atom, Integer } from "./columnValue.ts";
import { OvsdbError } from "./errors.ts";

export type AtomicType = "integer" | "real" | "boolean" | "string" | "uuid";

/** What one key or value may be. */
export interface BaseType {
  readonly type: AtomicType;
  readonly enum?: readonly Atom[];
  /** Smallest and largest integer or real, or string length in characters. */
  readonly minimum?: Integer;
  readonly maximum?: Integer;
  readonly refTable?: string;
  /** A strong reference keeps its target alive; a weak one vanishes with it. Present exactly when `refTable` is. */
  readonly refType?: "strong" | "weak";
}

/** How a column's value looks in JavaScript: `T`, `T | undefined`, `readonly T[]`, `ReadonlyMap<K, V>`. */
export type ColumnKind = "scalar" | "optional" | "set" | "map";

export interface ColumnSchema {
  readonly kind: ColumnKind;
  readonly key: BaseType;
  readonly value?: BaseType;
  readonly min: number;
  /** `Infinity` when unlimited. */
  readonly max: number;
  readonly ephemeral: boolean;
  readonly mutable: boolean;
}

export interface TableSchema {
  readonly columns: ReadonlyMap<string, ColumnSchema>;
  /** `Infinity` when unlimited. */
  readonly maxRows: number;
  /** A row of a table outside the root set vanishes when no strong reference to it is left. */
  readonly isRoot: boolean;
  /** Lists of columns whose values together are unique in the table. */
  readonly indexes: readonly (readonly string[])[];
}

export interface DatabaseSchema {
  readonly name: string;
  readonly version: string;
  readonly tables: ReadonlyMap<string, TableSchema>;
}

type Json = { readonly [key: string]: unknown };

/** The schema in `json`, or an `OvsdbError` with code "invalid schema" that says where it is wrong. */
export function parseSchema(json: unknown): DatabaseSchema {
  const schema = asObject(json, "schema");
  const tables = Object.entries(asObject(schema.tables, "tables"));
  // A schema from before `isRoot` existed marks no table at all: then every table is in the root set.
  const anyRoot = tables.some(([, table]) => isObject(table) && table.isRoot === true);
  return {
    name: asString(schema.name, "name"),
    version: schema.version === undefined ? "0.0.0" : asString(schema.version, "version"),
    tables: new Map(tables.map(([name, table]) => [asId(name), parseTable(table, name, anyRoot)])),
  };
}

function parseTable(json: unknown, where: string, anyRoot: boolean): TableSchema {
  const table = asObject(json, where);
  const columns = new Map(
    Object.entries(asObject(table.columns, `${where}.columns`)).map(([name, column]) => [
      asId(name),
      parseColumn(column, `${where}.${name}`),
    ]),
  );
  const indexes = table.indexes === undefined ? [] : asArray(table.indexes, `${where}.indexes`);
  return {
    columns,
    maxRows: optionalNumber(table.maxRows, `${where}.maxRows`) ?? Number.POSITIVE_INFINITY,
    isRoot: !anyRoot || optionalBoolean(table.isRoot, false, `${where}.isRoot`),
    indexes: indexes.map((index) =>
      asArray(index, `${where}.indexes`).map((column) => asString(column, `${where}.indexes`)),
    ),
  };
}

function parseColumn(json: unknown, where: string): ColumnSchema {
  const column = asObject(json, where);
  const type = typeof column.type === "string" ? { key: column.type } : asObject(column.type, where);
  const key = parseBaseType(type.key, where);
  const value = type.value === undefined ? undefined : parseBaseType(type.value, where);
  const min = optionalNumber(type.min, where) ?? 1;
  const max = type.max === "unlimited" ? Number.POSITIVE_INFINITY : (optionalNumber(type.max, where) ?? 1);
  if ((min !== 0 && min !== 1) || max < 1) throw invalid(where, "a valid min and max");
  return {
    kind: value ? "map" : max > 1 ? "set" : min === 1 ? "scalar" : "optional",
    key,
    ...(value && { value }),
    min,
    max,
    ephemeral: optionalBoolean(column.ephemeral, false, where),
    mutable: optionalBoolean(column.mutable, true, where),
  };
}

function parseBaseType(json: unknown, where: string): BaseType {
  if (typeof json === "string") return { type: parseAtomicType(json, where) };
  const base = asObject(json, where);
  const type = parseAtomicType(base.type, where);
  const minimum = optionalLimit(base.minInteger ?? base.minReal ?? base.minLength, type, where);
  const maximum = optionalLimit(base.maxInteger ?? base.maxReal ?? base.maxLength, type, where);
  const refTable = base.refTable === undefined ? undefined : asString(base.refTable, where);
  return {
    type,
    ...(base.enum !== undefined && { enum: parseEnum(base.enum, type, where) }),
    ...(minimum !== undefined && { minimum }),
    ...(maximum !== undefined && { maximum }),
    ...(refTable !== undefined && { refTable, refType: base.refType === "weak" ? "weak" : "strong" }),
  };
}

/** The members of an enumeration, written as a set: `["set", ["tcp", "udp"]]`, or an atom for a single one. */
function parseEnum(json: unknown, type: AtomicType, where: string): Atom[] {
  const members = Array.isArray(json) && json[0] === "set" ? asArray(json[1], where) : [json];
  return members.map((member) => {
    const atom: unknown = Array.isArray(member) && member[0] === "uuid" ? member[1] : member;
    if (isInteger(atom)) return inType(atom, type);
    if (typeof atom === "string" || typeof atom === "boolean") return atom;
    throw invalid(where, "an enumeration of atoms");
  });
}

function parseAtomicType(json: unknown, where: string): AtomicType {
  switch (json) {
    case "integer":
    case "real":
    case "boolean":
    case "string":
    case "uuid":
      return json;
    default:
      throw invalid(where, "an atomic type");
  }
}

const isObject = (json: unknown): json is Json =>
  typeof json === "object" && json !== null && !Array.isArray(json);

function asObject(json: unknown, where: string): Json {
  if (isObject(json)) return json;
  throw invalid(where, "an object");
}

function asArray(json: unknown, where: string): readonly unknown[] {
  if (Array.isArray(json)) return json;
  throw invalid(where, "an array");
}

/** An <id> of the RFC. `__proto__` is one too, but means something else in a JavaScript object. */
function asId(name: string): string {
  if (/^[A-Za-z_]\w*$/.test(name) && name !== "__proto__") return name;
  throw invalid(JSON.stringify(name), "an identifier");
}

function asString(json: unknown, where: string): string {
  if (typeof json === "string") return json;
  throw invalid(where, "a string");
}

function optionalNumber(json: unknown, where: string): number | undefined {
  if (json === undefined || typeof json === "number") return json;
  throw invalid(where, "a number");
}

const isInteger = (json: unknown): json is Integer => typeof json === "number" || typeof json === "bigint";

/** Even a real may be written as a long integer. */
const inType = (number: Integer, type: AtomicType): Integer => (type === "real" ? Number(number) : number);

function optionalLimit(json: unknown, type: AtomicType, where: string): Integer | undefined {
  if (json === undefined) return undefined;
  if (isInteger(json)) return inType(json, type);
  throw invalid(where, "a number");
}

function optionalBoolean(json: unknown, absent: boolean, where: string): boolean {
  if (json === undefined) return absent;
  if (typeof json === "boolean") return json;
  throw invalid(where, "a boolean");
}

const invalid = (where: string, expected: string): OvsdbError =>
  new OvsdbError("invalid schema", `database schema: ${where}: expected ${expected}`);
