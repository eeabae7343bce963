// Columns of a row that are too large to be copied for each change: a row holds them as `Members`, and makes the array
// or map that its type promises when the property is read. Code that wants one member, or what changed, asks here and
// spares that.

import { type Atom, type ColumnValue, isMapValue, isSetValue, mapAfter, setAfter } from "./columnValue.ts";
import type { Row } from "./database.ts";
import { Members, type SetOrMap } from "./members.ts";

export type MutableRow = { _uuid: string; [column: string]: ColumnValue };

/** Below, a copy is cheaper than anything clever. */
const largeFrom = 512;

/** To look so often, an index is worth its making. */
const manyLooks = 8;

const noColumns: ReadonlyMap<string, Members> = new Map();
/** A row's large columns. The others are plain properties of it. */
const largeColumns = new WeakMap<Row, Map<string, Members>>();

const largeColumnsOf = (row: Row | undefined): ReadonlyMap<string, Members> =>
  (row && largeColumns.get(row)) ?? noColumns;

/**
 * Looks members up in `column`: answers with the member of a set itself, or with the value of a map's entry; undefined
 * when there is none, or no row.
 */
export function memberLookup(row: Row | undefined, column: string): (key: Atom) => Atom | undefined {
  const value = largeColumnsOf(row).get(column) ?? row?.[column];
  if (value instanceof Members || isMapValue(value)) return (key) => value.get(key);
  const members = setOf(value);
  let index: ReadonlySet<Atom> | undefined;
  let looks = 0;
  return (key) => {
    if (++looks === manyLooks) index = new Set(members);
    return (index ? index.has(key) : members.includes(key)) ? key : undefined;
  };
}

/** The members of a set, the keys of a map; one or none of any other column. */
export function membersOf(row: Row | undefined, column: string): Iterable<Atom> {
  const value = largeColumnsOf(row).get(column) ?? row?.[column];
  return value instanceof Members || isMapValue(value) ? value.keys() : setOf(value);
}

/** The columns that may differ between two versions of a row; those left out are the same. */
export function changedColumns(old: Row, row: Row): readonly string[] {
  const before = largeColumnsOf(old);
  const after = largeColumnsOf(row);
  return Object.keys(row).filter((name) => {
    const large = after.get(name);
    return large || before.has(name) ? large !== before.get(name) : row[name] !== old[name];
  });
}

/** The members of `column` that only one of two versions of a row has, and keys of entries with another value. */
export function changedMembers(old: Row, row: Row, column: string): Iterable<Atom> {
  const isLarge = largeColumnsOf(old).has(column) || largeColumnsOf(row).has(column);
  const [before, after] = isLarge ? [] : [old[column], row[column]];
  if (!isLarge && !isMapValue(before) && !isMapValue(after)) return onlyInOne(setOf(before), setOf(after));
  return contentOf(row, column).changedSince(contentOf(old, column));
}

/** Sets come in the server's order, so that most often all but a few members stand where they stood. */
function onlyInOne(a: readonly Atom[], b: readonly Atom[]): Iterable<Atom> {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const inA = new Set(a.slice(start, a.length - end));
  const inB = new Set(b.slice(start, b.length - end));
  return [...[...inA].filter((one) => !inB.has(one)), ...[...inB].filter((one) => !inA.has(one))];
}

function contentOf(row: Row, column: string): Members {
  const large = largeColumnsOf(row).get(column);
  if (large) return large;
  const value = row[column];
  return Members.of(isMapValue(value) ? value : setOf(value));
}

const setOf = (value: Exclude<ColumnValue, ReadonlyMap<Atom, Atom>>): readonly Atom[] =>
  isSetValue(value) ? value : value === undefined ? [] : [value];

/** Both versions of a row hold the same in `column`, a large one. Undefined when it is not large in both. */
export function sameLarge(a: Row, b: Row, column: string): boolean | undefined {
  const [large, other] = [largeColumnsOf(a).get(column), largeColumnsOf(b).get(column)];
  if (!large || !other) return undefined;
  return large.size === other.size && large.changedSince(other).next().done === true;
}

/** A copy to put other columns into. */
export function copyOf(row: Row): MutableRow {
  const large = largeColumnsOf(row);
  if (large.size === 0) return { ...row };
  const copy: MutableRow = { _uuid: row._uuid };
  for (const name of Object.keys(row)) {
    const members = large.get(name);
    if (members) setLarge(copy, name, members);
    else copy[name] = row[name];
  }
  return copy;
}

/** Puts `value` into a set or map column of `row`. */
export function setColumn(row: MutableRow, name: string, value: SetOrMap): void {
  const size = isMapValue(value) ? value.size : value.length;
  if (size >= largeFrom) setLarge(row, name, Members.of(value));
  else setPlain(row, name, value);
}

/** Puts what the column of `old` holds, changed by `difference`, into `row`. */
export function changeColumn(row: MutableRow, name: string, old: Row, difference: SetOrMap): void {
  const members = largeColumnsOf(old).get(name)?.after(difference);
  if (!members) setColumn(row, name, valueAfter(old[name], difference));
  else if (members.size >= largeFrom / 2) setLarge(row, name, members);
  else setPlain(row, name, members.value());
}

function valueAfter(old: ColumnValue, difference: SetOrMap): SetOrMap {
  if (isSetValue(old) && isSetValue(difference)) return setAfter(old, difference);
  if (isMapValue(old) && isMapValue(difference)) return mapAfter(old, difference);
  return difference;
}

/** The property may be that of a large column of the row it was copied from, which takes no value. */
function setPlain(row: MutableRow, name: string, value: SetOrMap): void {
  if (!largeColumns.get(row)?.delete(name)) row[name] = value;
  else Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
}

function setLarge(row: MutableRow, name: string, members: Members): void {
  const columns = largeColumns.get(row) ?? new Map<string, Members>();
  largeColumns.set(row, columns.set(name, members));
  let value: SetOrMap | undefined;
  const get = (): SetOrMap => (value ??= members.value());
  Object.defineProperty(row, name, { get, enumerable: true, configurable: true });
}
