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

/** The columns of a table that cannot change after the insert. */
type ImmutableOf<T, K extends string> = K extends keyof T
  ? T[K] extends { readonly immutable: infer C extends string }
    ? C
    : never
  : never;

/** The columns that an update of `K` may set. */
export type UpdateOf<T, K extends string> =
  Untyped<T, K> extends true
    ? Columns
    : Partial<Omit<InsertOf<T, K>, ImmutableOf<T, K>>> & { readonly [C in ImmutableOf<T, K>]?: never };

/** Names of the columns of a row; any string when its table is not known. */
export type ColumnOf<R> = keyof R & string;

type ColumnsOfKind<R, Kind> = { [C in keyof R & string]: R[C] extends Kind ? C : never }[keyof R & string];

type Changeable<T, K extends string> = Omit<RowOf<T, K>, ImmutableOf<T, K>>;

/** Names of the set columns of table `K` that can change; any string when `K` is just a string. */
export type SetColumn<T, K extends string> =
  Untyped<T, K> extends true ? string : ColumnsOfKind<Changeable<T, K>, readonly Atom[]>;

/** The members of a set column. */
export type MemberOf<T, K extends string, C> =
  Untyped<T, K> extends true
    ? Atom
    : C extends keyof RowOf<T, K>
      ? RowOf<T, K>[C] extends readonly (infer Member)[]
        ? Member
        : never
      : never;

/** Names of the map columns of table `K` that can change; any string when `K` is just a string. */
export type MapColumn<T, K extends string> =
  Untyped<T, K> extends true ? string : ColumnsOfKind<Changeable<T, K>, ReadonlyMap<Atom, Atom>>;

/** A map column's keys and values: `ReadonlyMap<Key, Value>`. */
export type EntriesOf<T, K extends string, C> =
  Untyped<T, K> extends true ? ReadonlyMap<Atom, Atom> : C extends keyof RowOf<T, K> ? RowOf<T, K>[C] : never;

/** Names of the columns of table `K` with numbers that can change; any string when `K` is just a string. */
export type NumberColumn<T, K extends string> =
  Untyped<T, K> extends true
    ? string
    : ColumnsOfKind<Changeable<T, K>, Integer | undefined | readonly Integer[]>;

/** What a lookup can go by: a column, or `column:key`, one key of a map column. */
export type IndexOf<R> = string extends keyof R
  ? string
  : ColumnOf<R> | `${ColumnsOfKind<R, ReadonlyMap<string, Atom>>}:${string}`;

/** The values that a lookup by `I` can ask for. */
export type IndexedBy<R, I extends string> = string extends keyof R
  ? Atom
  : I extends keyof R
    ? R[I] extends readonly (infer Member)[]
      ? Member
      : NonNullable<R[I]>
    : I extends `${infer C}:${string}`
      ? C extends keyof R
        ? R[C] extends ReadonlyMap<string, infer Value>
          ? Value
          : never
        : never
      : never;

/** A row with only the columns `C`. */
export type RowWith<R, C> = string extends keyof R ? R : Pick<R, Extract<keyof R, C | "_uuid">>;
