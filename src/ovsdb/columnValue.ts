// The values of columns: their types, and operations that do not depend on the column: kind, equality, and the change
// that a server sends as a difference.

/** An integer of 64 bits: a `bigint` exactly when it is beyond ±(2⁵³ − 1), where a `number` is no longer exact. */
export type Integer = number | bigint;

export type Atom = string | Integer | boolean;

/** An atom, a set, a map, or `undefined` for an optional atom that is absent. */
export type ColumnValue = Atom | readonly Atom[] | ReadonlyMap<Atom, Atom> | undefined;

export const isSetValue = (value: ColumnValue): value is readonly Atom[] => Array.isArray(value);

export const isMapValue = (value: ColumnValue): value is ReadonlyMap<Atom, Atom> => value instanceof Map;

/** Whether two values of one column are equal. Sets and maps are compared by their members, in any order. */
export function sameValue(a: ColumnValue, b: ColumnValue): boolean {
  if (a === b) return true;
  if (isSetValue(a) && isSetValue(b)) return sameMembers(a, b);
  if (isMapValue(a) && isMapValue(b))
    return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
  return false;
}

function sameMembers(a: readonly Atom[], b: readonly Atom[]): boolean {
  if (a.length !== b.length) return false;
  if (a.every((member, index) => member === b[index])) return true;
  const members = new Set(b);
  return a.every((member) => members.has(member));
}

/** The set `old` after `difference`: members that it has go, others are added; sorted as servers sort. */
export function setAfter(old: readonly Atom[], difference: readonly Atom[]): readonly Atom[] {
  const added = new Set(difference);
  const kept = old.filter((member) => !added.delete(member));
  return added.size === 0 ? kept : [...kept, ...added].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The map `old` after `difference`: an entry that it has goes, any other is set. */
export function mapAfter(
  old: ReadonlyMap<Atom, Atom>,
  difference: ReadonlyMap<Atom, Atom>,
): ReadonlyMap<Atom, Atom> {
  const entries = new Map(old);
  for (const [key, value] of difference) {
    if (entries.get(key) === value) entries.delete(key);
    else entries.set(key, value);
  }
  return entries;
}

/** A value for people: `"a"`, `["a" "b"]`, `{"k":"v"}`, and `[]` when it is absent. */
export function columnValueText(value: ColumnValue): string {
  if (isMapValue(value))
    return `{${[...value].map(([k, v]) => `${columnValueText(k)}:${columnValueText(v)}`).join(" ")}}`;
  if (isSetValue(value)) return `[${value.map(columnValueText).join(" ")}]`;
  if (value === undefined) return "[]";
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
