// A fact is one thing Weft wants to be true in a database: that a row exists with some columns, or that a set or
// map column of a row has a member. Plans produce facts, desired/ counts references to them, apply/ makes them so.
// Values are plain JavaScript values; how they look on the wire is known only to ovsdb/.

/** One database of one zone. References never cross destinations; each has its own replica, fence and engine. */
export interface Destination {
  readonly zone: string;
  readonly database: string;
}

/** A stable text for a destination, to key maps by and to print: `global/OVN_Northbound`. */
export const destinationId = (destination: Destination): string =>
  `${destination.zone}/${destination.database}`;

export type Atom = string | number | boolean;

/** A column: an atom, a set, or a map. An absent optional column is an empty set. */
export type ColumnValue = Atom | readonly Atom[] | ReadonlyMap<Atom, Atom>;

/** The row `uuid` of `table` exists and has these columns. Columns not named are nobody's business here. */
export interface RowFact {
  readonly kind: "row";
  readonly destination: Destination;
  readonly table: string;
  readonly uuid: string;
  readonly columns: ReadonlyMap<string, ColumnValue>;
}

/**
 * The set column has the member `value`, or, when `key` is given, the map column has the entry `key` ▶ `value`.
 * The fact is about the row `uuid`, whoever owns that row.
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

/** Who says a fact: `pod/shop/web-1`, `node/n3`, `service/shop/web`, `cluster`. */
export type Owner = string;
