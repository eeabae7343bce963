// A fact is one thing that Weft wants to be true in a database: a row exists with some columns, or a set or map
// column of a row has a member. Plans produce facts, desired/ counts references to them, apply/ makes them true.
// Values are plain JavaScript values; only ovsdb/ knows how they look on the wire.

/** One database of one zone. References never cross destinations; each has its own replica, fence and engine. */
export interface Destination {
  readonly zone: string;
  readonly database: string;
}

/** A stable text for a destination, to key maps by and to print: `global/OVN_Northbound`. */
export const destinationId = (destination: Destination): string =>
  `${destination.zone}/${destination.database}`;

export type Atom = string | number | bigint | boolean;

/** A column: an atom, a set, or a map. An absent optional column is an empty set. */
export type ColumnValue = Atom | readonly Atom[] | ReadonlyMap<Atom, Atom>;

/** The row `uuid` of `table` exists and has these columns. Columns not named do not matter. */
export interface RowFact {
  readonly kind: "row";
  readonly destination: Destination;
  readonly table: string;
  readonly uuid: string;
  readonly columns: ReadonlyMap<string, ColumnValue>;
}

/**
 * The set column has the member `value`, or, when `key` is given, the map column has the entry `key` ▶ `value`. The
 * fact is about the row `uuid`, no matter which owner states that row.
 */
export interface MemberFact {
  readonly kind: "member";
  readonly destination: Destination;
  readonly table: string;
  readonly uuid: string;
  readonly column: string;
  readonly key?: Atom;
  readonly value: Atom;
}

export type Fact = RowFact | MemberFact;

/** Both say the same. The order of a set's members means nothing. */
export function sameValue(a: ColumnValue, b: ColumnValue): boolean {
  if (a === b) return true;
  if (a instanceof Map || b instanceof Map) return a instanceof Map && b instanceof Map && sameEntries(a, b);
  return isSet(a) && isSet(b) && sameMembers(a, b);
}

/** Whether both have the same entries, with values compared by `same`. */
export function sameEntries<K, V>(
  a: ReadonlyMap<K, V>,
  b: ReadonlyMap<K, V>,
  same: (x: V, y: V) => boolean = Object.is,
): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !same(value, other)) return false;
  }
  return true;
}

/** Whether both have the same members, in any order and however often. */
export function sameMembers(a: readonly Atom[], b: readonly Atom[]): boolean {
  if (a.length === b.length && a.every((member, index) => member === b[index])) return true;
  const members = new Set(a);
  return members.size === new Set(b).size && b.every((member) => members.has(member));
}

/** `Array.isArray` loses the element type of a readonly array; this keeps it. */
const isSet = (value: ColumnValue): value is readonly Atom[] => Array.isArray(value);
