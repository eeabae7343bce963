// Rows as plain objects, references branded with their table, and `Database`, which ties the schema that codegen
// embeds to the row types it generates. codec.ts knows how values look on the wire.

import type { Atom, ColumnValue, Integer } from "./columnValue.ts";
import type { DatabaseSchema } from "./schema.ts";

/**
 * The UUID of a row of `Table`. A plain string fits, because it may come from anywhere; a reference to another table
 * does not.
 */
export type Ref<Table extends string = string> = string & { readonly __table?: Table };

export type Columns = { readonly [column: string]: ColumnValue };

/** A row whose table is not known at compile time. Columns that the server lacks have their default value. */
export type Row = Columns & { readonly _uuid: string };

/** A database: its schema at generation time, and as a type the row types of its tables (`NorthboundTables`). */
export interface Database<T> {
  readonly schema: DatabaseSchema;
  readonly __tables?: T;
}

/** The tables of `T` by name. */
export type TableName<T> = keyof T & string;

/** A table about which nothing is known: a name that is just a string, or a database without row types. */
type Untyped<T, K extends string> = string extends K ? true : unknown extends T ? true : false;

/** The row of table `K`: typed when `K` is a literal name of `T`, a plain `Row` when it is just a string. */
export type RowOf<T, K extends string> =
  Untyped<T, K> extends true
    ? Row
    : K extends keyof T
      ? T[K] extends { readonly row: infer R }
        ? R
        : never
      : never;

/** The columns of an insert into `K`; those whose default is not acceptable are required. */
export type InsertOf<T, K extends string> =
  Untyped<T, K> extends true
    ? Columns
    : K extends keyof T
      ? T[K] extends { readonly insert: infer I }
        ? I
        : never
      : never;

type ColumnsOfKind<R, Kind> = { [C in keyof R & string]: R[C] extends Kind ? C : never }[keyof R & string];

/** Names of the set columns of table `K`; any string when `K` is just a string. */
export type SetColumn<T, K extends string> =
  Untyped<T, K> extends true ? string : ColumnsOfKind<RowOf<T, K>, readonly Atom[]>;

/** Names of the map columns of table `K`; any string when `K` is just a string. */
export type MapColumn<T, K extends string> =
  Untyped<T, K> extends true ? string : ColumnsOfKind<RowOf<T, K>, ReadonlyMap<Atom, Atom>>;

/** Names of the columns of table `K` with numbers; any string when `K` is just a string. */
export type NumberColumn<T, K extends string> =
  Untyped<T, K> extends true ? string : ColumnsOfKind<RowOf<T, K>, Integer | undefined | readonly Integer[]>;
