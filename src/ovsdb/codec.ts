// Column values between JavaScript and the wire (RFC 7047, section 5.1), guided by the column's schema. Decoded
// values come from a peer and are checked. Encoded values are checked too: one string that ovsdb-server's parser
// refuses ends the whole connection, and with it everyone else's transactions.

import {
  type Atom,
  type ColumnValue,
  columnValueText,
  type Integer,
  isMapValue,
  isSetValue,
} from "./columnValue.ts";
import { OvsdbError } from "./errors.ts";
import { exactText } from "./exactJson.ts";
import type { BaseType, ColumnSchema } from "./schema.ts";

const noAtoms: readonly Atom[] = Object.freeze([]);
const noEntries: ReadonlyMap<Atom, Atom> = new Map();

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const zeroUuid = "00000000-0000-0000-0000-000000000000";

export const isUuid = (text: unknown): text is string => typeof text === "string" && uuidPattern.test(text);

/** The wire form of `value`. An optional column also accepts an array with at most one member. */
export function encodeColumn(value: ColumnValue, column: ColumnSchema): unknown {
  if (isMapValue(value)) {
    if (!column.value) throw mismatch(value, column);
    return encodeEntries(value, column.key, column.value);
  }
  if (isSetValue(value)) {
    if (column.kind === "set" || (column.kind === "optional" && value.length <= 1))
      return encodeAtoms(value, column.key);
    throw mismatch(value, column);
  }
  if (value === undefined && column.kind === "optional") return ["set", []];
  if (isAtom(value) && (column.kind === "scalar" || column.kind === "optional"))
    return encodeAtom(value, column.key);
  throw mismatch(value, column);
}

export const encodeAtoms = (atoms: readonly Atom[], base: BaseType): unknown => [
  "set",
  atoms.map((atom) => encodeAtom(atom, base)),
];

export const encodeEntries = (entries: ReadonlyMap<Atom, Atom>, key: BaseType, value: BaseType): unknown => [
  "map",
  [...entries].map(([k, v]) => [encodeAtom(k, key), encodeAtom(v, value)]),
];

export function encodeAtom(atom: Atom, base: BaseType): unknown {
  switch (base.type) {
    case "string":
      if (isSendable(atom)) return atom;
      break;
    case "uuid":
      if (isUuid(atom)) return ["uuid", atom];
      break;
    case "boolean":
      if (typeof atom === "boolean") return atom;
      break;
    case "integer":
      if (Number.isSafeInteger(atom)) return atom;
      if (typeof atom === "bigint" && isInteger64(atom)) return canonical(atom);
      break;
    case "real":
      if (isSendableReal(atom)) return atom;
      break;
  }
  throw new OvsdbError("invalid value", `${columnValueText(atom)} is not ${nounOf(base)}`);
}

const isInteger64 = (integer: bigint): boolean => BigInt.asIntN(64, integer) === integer;

/** A number where that is exact. */
function canonical(integer: bigint): Integer {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

/** Whether ovsdb-server's JSON parser accepts the string: no NUL, no half of a surrogate pair. */
export const isSendable = (text: unknown): text is string =>
  typeof text === "string" && !text.includes("\0") && text.isWellFormed();

const smallestNormal = 2 ** -1022;

/**
 * Whether ovsdb-server's JSON parser accepts the number, and accepts it again from its own file, where it has 15
 * digits: the parser reads neither numbers so small that they lose digits nor those that become infinite.
 */
function isSendableReal(atom: Atom): atom is number {
  if (typeof atom !== "number") return false;
  const written = Math.abs(Number(atom.toPrecision(15)));
  return written === 0 || (written >= smallestNormal && written < Number.POSITIVE_INFINITY);
}

/** Lets equal atoms share memory: the keys of maps repeat from row to row. */
export type Intern = (atom: Atom) => Atom;

const same: Intern = (atom) => atom;

/** The JavaScript form of `wire`. Enumerations and ranges are not checked, because a newer server may allow more. */
export function decodeColumn(wire: unknown, column: ColumnSchema, intern: Intern = same): ColumnValue {
  switch (column.kind) {
    case "scalar":
      return decodeAtom(isSet(wire) ? onlyMember(wire[1]) : wire, column.key);
    case "optional":
      if (!isSet(wire)) return decodeAtom(wire, column.key);
      return wire[1].length === 0 ? undefined : decodeAtom(onlyMember(wire[1]), column.key);
    case "set":
      return decodeAtoms(wire, column.key);
    case "map":
      return column.value ? decodeEntries(wire, column.key, column.value, intern) : noEntries;
  }
}

/** The members of a set; a bare atom stands for a set of one. */
function decodeAtoms(wire: unknown, base: BaseType): readonly Atom[] {
  if (!isSet(wire)) return [decodeAtom(wire, base)];
  return wire[1].length === 0 ? noAtoms : wire[1].map((member) => decodeAtom(member, base));
}

function decodeEntries(
  wire: unknown,
  key: BaseType,
  value: BaseType,
  intern: Intern,
): ReadonlyMap<Atom, Atom> {
  if (!Array.isArray(wire) || wire[0] !== "map" || !Array.isArray(wire[1]) || wire.length !== 2)
    throw malformed(wire, "a map");
  if (wire[1].length === 0) return noEntries;
  const entries = new Map<Atom, Atom>();
  for (const entry of wire[1]) {
    if (!Array.isArray(entry) || entry.length !== 2) throw malformed(entry, "a key and a value");
    entries.set(intern(decodeAtom(entry[0], key)), decodeAtom(entry[1], value));
  }
  return entries;
}

function decodeAtom(wire: unknown, base: BaseType): Atom {
  switch (base.type) {
    case "string":
      if (typeof wire === "string") return wire;
      break;
    case "uuid":
      if (Array.isArray(wire) && wire[0] === "uuid" && wire.length === 2 && isUuid(wire[1])) return wire[1];
      break;
    case "boolean":
      if (typeof wire === "boolean") return wire;
      break;
    case "integer":
      // JSON can write 0 as -0, and a large integer with an exponent.
      if (typeof wire === "number" && Number.isSafeInteger(wire)) return wire === 0 ? 0 : wire;
      if (typeof wire === "bigint" || Number.isInteger(wire)) return decodeLarge(wire);
      break;
    case "real":
      if (typeof wire === "number") return wire === 0 ? 0 : wire;
      if (typeof wire === "bigint") return Number(wire);
      break;
  }
  throw malformed(wire, nounOf(base));
}

function decodeLarge(wire: unknown): Integer {
  const integer = typeof wire === "bigint" ? wire : BigInt(Number(wire));
  if (isInteger64(integer)) return canonical(integer);
  throw malformed(wire, nouns.integer);
}

/** The value of a column that a server leaves out (RFC 7047, section 5.2.1). */
export function defaultOf(column: ColumnSchema): ColumnValue {
  switch (column.kind) {
    case "scalar":
      return defaultAtom(column.key);
    case "optional":
      return undefined;
    case "set":
      return column.min === 0 ? noAtoms : [defaultAtom(column.key)];
    case "map":
      return column.min === 0 || !column.value
        ? noEntries
        : new Map([[defaultAtom(column.key), defaultAtom(column.value)]]);
  }
}

function defaultAtom(base: BaseType): Atom {
  switch (base.type) {
    case "string":
      return "";
    case "uuid":
      return zeroUuid;
    case "boolean":
      return false;
    case "integer":
    case "real":
      return 0;
  }
}

const isAtom = (value: unknown): value is Atom =>
  typeof value === "string" ||
  typeof value === "number" ||
  typeof value === "bigint" ||
  typeof value === "boolean";

const isSet = (wire: unknown): wire is ["set", unknown[]] =>
  Array.isArray(wire) && wire[0] === "set" && wire.length === 2 && Array.isArray(wire[1]);

function onlyMember(members: readonly unknown[]): unknown {
  if (members.length === 1) return members[0];
  throw malformed(members, "a set of one member");
}

const nouns = {
  string: "a string without NUL and broken surrogates",
  uuid: "a UUID in lower case",
  boolean: "a boolean",
  integer: "an integer of 64 bits, exact as a number or as a bigint",
  real: "a finite number, 0 or of normal size",
} as const;

const nounOf = (base: BaseType): string => nouns[base.type];

function mismatch(value: ColumnValue, column: ColumnSchema): OvsdbError {
  const shown = isMapValue(value) ? "a map" : columnValueText(value);
  return new OvsdbError("invalid value", `${shown} does not fit a column of kind ${column.kind}`);
}

const malformed = (wire: unknown, expected: string): OvsdbError =>
  new OvsdbError(
    "protocol error",
    `expected ${expected}, got ${(exactText(wire) ?? "nothing").slice(0, 200)}`,
  );
