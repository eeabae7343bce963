// A live copy of some tables. Rows are immutable plain objects: a changed row is a new object, so an old one can be
// kept and compared. Readers always see the state after a whole transaction, never in the middle of one.

import type { AnyChange, Change } from "./change.ts";
import { ChangeStream } from "./changeStream.ts";
import type { Condition } from "./condition.ts";
import type { ColumnOf, IndexOf, InsertOf, Row, RowOf, RowWith, TableName } from "./database.ts";
import { OvsdbError } from "./errors.ts";
import { Gate } from "./gate.ts";
import type { Log } from "./log.ts";
import { type RowIndex, Rows, type ValuesOf } from "./rows.ts";
import { Table, TableChange, type TableView } from "./table.ts";

/** What to copy of a table; `R` is the type of its rows. */
export interface TableSelection<R = Row> {
  /** The columns to copy; the others are absent from the row objects. By default all. */
  readonly columns?: readonly ColumnOf<R>[];
  /**
   * Copies only rows that meet at least one of these conditions. By default, and if the server cannot filter or lacks
   * one of the columns, all rows are copied.
   */
  readonly where?: readonly Condition<R>[];
}

/** Which tables to copy, and what of them. Tables that the server lacks stay empty. */
export type Selection<T> = unknown extends T
  ? { readonly [table: string]: true | TableSelection | undefined }
  : { readonly [K in TableName<T>]?: true | TableSelection<RowOf<T, K>> };

/**
 * For lookups with `by`: a column, of a set each member; `column:key`, one key of a map column; or a function of the row.
 */
export type Indexes<T, S> = unknown extends T
  ? { readonly [table: string]: readonly RowIndex[] | undefined }
  : {
      readonly [K in keyof S & TableName<T>]?: readonly (
        | IndexOf<SelectedRow<RowOf<T, K>, S[K]>>
        | ValuesOf
      )[];
    };

export interface ReplicaOptions<I> {
  readonly indexes?: I;
}

type SelectedRow<R, S> = S extends { readonly columns: readonly (infer C)[] } ? RowWith<R, C> : R;

/** The tables of a replica: their rows have the selected columns only. All of `T`, if `S` says nothing more exact. */
export type Selected<T, S, I = undefined> = unknown extends T
  ? T
  : Selection<T> extends S
    ? T
    : string extends keyof S
      ? T
      : {
          readonly [K in keyof S & TableName<T>]: {
            readonly row: SelectedRow<RowOf<T, K>, S[K]>;
            readonly insert: InsertOf<T, K>;
            /** What conditions are about. */
            readonly whole: RowOf<T, K>;
            readonly index: K extends keyof I
              ? I[K] extends readonly (infer Index)[]
                ? Extract<Index, string>
                : never
              : never;
          };
        };

/** Rows with all their columns, for conditions. */
type WholeRow<T, K extends string> = K extends keyof T
  ? T[K] extends { readonly whole: infer R }
    ? R
    : RowOf<T, K>
  : RowOf<T, K>;

/** The indexes of table `K`: those that the replica was made with. */
type IndexIn<T, K extends string> = K extends keyof T
  ? T[K] extends { readonly index: infer I extends string }
    ? I
    : IndexOf<RowOf<T, K>>
  : IndexOf<RowOf<T, K>>;

/** Only the names of tables: a wrong one would pass unnoticed. */
export type OnlyTables<T, S> = unknown extends T
  ? unknown
  : string extends keyof S
    ? unknown
    : { readonly [K in Exclude<keyof S, TableName<T>>]: never };

export interface Replica<T> extends Disposable {
  /** Whether the copy follows the server now. False before the first copy, and without a connection. */
  readonly synced: boolean;
  /** Resolves when the replica is synced; at once if it is. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Names of the tables it was asked for. */
  readonly tables: Iterable<string>;
  /** A view of a table. It stays valid and current as long as the replica. */
  table<K extends string>(name: K): TableView<RowOf<T, K>, IndexIn<T, K>>;
  /**
   * Calls `listener` once for each update, after the tables contain all of it. Returns a function that ends the
   * subscription.
   */
  subscribe(listener: (changes: readonly Change<T>[]) => void): () => void;
  /**
   * The same as an async iterable, from now on until `signal` is aborted. While its reader is busy, changes to one row
   * are merged, so that a slow reader costs at most the memory of one change per row.
   */
  changes(signal: AbortSignal): AsyncIterable<readonly Change<T>[]>;
  /**
   * From now on the replica holds the rows of `table` that meet one of `where`; all rows when it is undefined. Rows
   * that come and go because of that are reported like other changes. Resolves when the replica is complete.
   */
  select<K extends string>(table: K, where: readonly Condition<WholeRow<T, K>>[] | undefined): Promise<void>;
}

/** Any replica, for code that does not know the database. */
export interface AnyReplica extends Disposable {
  readonly synced: boolean;
  ready(signal?: AbortSignal): Promise<void>;
  readonly tables: Iterable<string>;
  table(name: string): TableView<Row>;
  subscribe(listener: (changes: readonly AnyChange[]) => void): () => void;
  changes(signal: AbortSignal): AsyncIterable<readonly AnyChange[]>;
  select(table: string, where: readonly Condition[] | undefined): Promise<void>;
}

/** What a replica needs from the monitor that fills it. */
export interface ReplicaControl {
  readonly select: (table: string, where: readonly Condition[] | undefined) => Promise<void>;
  readonly dispose: () => void;
  /** Whether there is a connection, for messages. */
  readonly situation: () => string;
}

/** Up to this many changes are put into the tables at once, in about two milliseconds. */
const fewChanges = 1000;

/** All changes of one transaction, ready to become visible. */
export interface PreparedChanges {
  readonly changes: readonly AnyChange[];
  /** Table name -> its part, when there are many changes; undefined when they are few. */
  readonly tables: ReadonlyMap<string, TableChange> | undefined;
}

/** The tables behind a replica, as its monitor writes them. */
export class ReplicaStore implements AnyReplica {
  readonly #indexes: ReadonlyMap<string, readonly RowIndex[]>;
  readonly #log: Log;
  readonly #control: ReplicaControl;
  readonly #listeners = new Set<(changes: readonly AnyChange[]) => void>();
  readonly #tables: ReadonlyMap<string, Table>;
  readonly #synced = new Gate();

  /** `indexes` has an entry for each table of the replica. */
  constructor(indexes: ReadonlyMap<string, readonly RowIndex[]>, log: Log, control: ReplicaControl) {
    this.#indexes = indexes;
    this.#log = log;
    this.#control = control;
    this.#tables = new Map([...indexes].map(([name, of]) => [name, new Table(of)]));
  }

  get synced(): boolean {
    return this.#synced.isOpen;
  }

  ready(signal?: AbortSignal): Promise<void> {
    const tables = [...this.#indexes.keys()].join(", ");
    return this.#synced.wait(signal, () => `a copy of ${tables}: ${this.#control.situation()}`);
  }

  get tables(): Iterable<string> {
    return this.#indexes.keys();
  }

  table(name: string): Table {
    const table = this.#tables.get(name);
    if (table) return table;
    throw new OvsdbError("unknown table", `the replica was not asked for table ${name}`);
  }

  subscribe(listener: (changes: readonly AnyChange[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changes(signal: AbortSignal): AsyncIterable<readonly AnyChange[]> {
    const stream = new ChangeStream();
    const unsubscribe = this.subscribe((changes) => stream.push(changes));
    signal.addEventListener("abort", unsubscribe, { once: true });
    return stream.read(signal);
  }

  select(table: string, where: readonly Condition[] | undefined): Promise<void> {
    return this.#control.select(table, where);
  }

  [Symbol.dispose](): void {
    this.#control.dispose();
  }

  /** Empty rows for each table, to fill and give to `exchange`. */
  emptyTables(): ReadonlyMap<string, Rows> {
    return new Map([...this.#indexes].map(([name, indexes]) => [name, new Rows(indexes)]));
  }

  /** Prepares one transaction's changes for `apply`, step by step. A row changes at most once. */
  *prepare(changes: readonly AnyChange[]): Generator<void, PreparedChanges> {
    if (changes.length <= fewChanges) return { changes, tables: undefined };
    const tables = new Map<string, TableChange>();
    for (const { table, uuid, old, new: row } of changes) {
      let change = tables.get(table);
      if (!change) tables.set(table, (change = new TableChange(this.#indexes.get(table) ?? [])));
      change.put(uuid, old, row);
      yield;
    }
    return { changes, tables };
  }

  /** Makes one transaction's changes visible, all at once. The tables must be settled, and `settle` must follow. */
  apply({ changes, tables }: PreparedChanges): void {
    if (tables) for (const [name, change] of tables) this.table(name).change(change);
    else for (const change of changes) this.table(change.table).replace(change.old, change.new);
    this.#notify(changes);
  }

  /** Brings the tables into their final form after `apply`, step by step. Readers see no difference. */
  *settle(): Generator<void> {
    for (const table of this.#tables.values()) yield* table.settle();
  }

  /** Replaces the content of the tables with a new copy; `changes` lists all differences. Views stay valid. */
  exchange(copy: ReadonlyMap<string, Rows>, changes: readonly AnyChange[]): void {
    for (const [name, rows] of copy) this.table(name).become(rows);
    this.#notify(changes);
  }

  setSynced(synced: boolean): void {
    if (synced) this.#synced.open();
    else this.#synced.shut();
  }

  /** The session has ended: nobody needs to wait any longer. */
  end(reason: OvsdbError): void {
    this.#synced.fail(reason);
  }

  /** A listener that throws harms neither the others nor the session. */
  #notify(changes: readonly AnyChange[]): void {
    if (changes.length === 0) return;
    for (const listener of this.#listeners) {
      try {
        listener(changes);
      } catch (error) {
        this.#log("error", "a listener of a replica failed", { error });
      }
    }
  }
}
