// A live copy of some tables. Rows are immutable plain objects: a changed row is a new object, so an old one can be
// kept and compared. Readers always see the state after a whole transaction, never within one.

import type { Atom, Ref, Row, RowOf, TableName } from "./database.ts";
import { OvsdbError } from "./errors.ts";

/** A condition on a column, as in RFC 7047, section 5.1: `["priority", ">=", 100]`. */
export type Condition = readonly [
  column: string,
  compare: "==" | "!=" | "<" | "<=" | ">" | ">=" | "includes" | "excludes",
  value: Atom | readonly Atom[] | ReadonlyMap<Atom, Atom> | undefined,
];

export interface TableSelection {
  /** Only these columns are copied; the others are absent from the row objects. All, when not given. */
  readonly columns?: readonly string[];
  /** Only rows that meet at least one of these conditions. All, when not given. */
  readonly where?: readonly Condition[];
}

/** Which tables to copy, and what of them. Tables that the server lacks stay empty. */
export type Selection<T> = { readonly [K in TableName<T>]?: true | TableSelection };

export interface ReplicaOptions<T> {
  /** Columns to look rows up by with `by`; `column:key` is one key of a map column. A set is indexed by each member. */
  readonly indexes?: { readonly [K in TableName<T>]?: readonly string[] };
}

/** One row that appeared (`old` absent), changed, or vanished (`new` absent). */
export type Change<T = unknown> = unknown extends T
  ? { readonly table: string; readonly uuid: string; readonly old?: Row; readonly new?: Row }
  : {
      [K in TableName<T>]: {
        readonly table: K;
        readonly uuid: Ref<K>;
        readonly old?: RowOf<T, K>;
        readonly new?: RowOf<T, K>;
      };
    }[TableName<T>];

export interface TableView<R> {
  readonly size: number;
  get(uuid: string): R | undefined;
  values(): Iterable<R>;
  /** The rows whose `index` has the value `value`. `index` must be one the replica was made with. */
  by(index: string, value: Atom): readonly R[];
}

/** Any replica, for code that does not know the database. */
export interface AnyReplica {
  readonly synced: boolean;
  ready(signal?: AbortSignal): Promise<void>;
  table(name: string): TableView<Row>;
  subscribe(listener: (changes: readonly Change[]) => void): () => void;
  changes(signal: AbortSignal): AsyncIterable<readonly Change[]>;
}

export class Replica<T> {
  /** The copy follows the server now. False before the first copy, and while the connection is away. */
  get synced(): boolean {
    return false;
  }

  /** Resolves when the replica is synced; at once if it is. */
  ready(_signal?: AbortSignal): Promise<void> {
    return Promise.reject(new OvsdbError("not connected", "replica"));
  }

  table<K extends string>(name: K): TableView<RowOf<T, K>> {
    throw new OvsdbError("unknown table", `replica has no table ${name}`);
  }

  /** Calls `listener` once for each update, after all of it is in the tables. Returns what ends the subscription. */
  subscribe(_listener: (changes: readonly Change<T>[]) => void): () => void {
    return () => {};
  }

  /**
   * The same as an async iterable. While its reader is busy, changes to one row are merged, so that a slow reader costs
   * at most the memory of one change per row.
   */
  async *changes(_signal: AbortSignal): AsyncIterable<readonly Change<T>[]> {}
}
