// A transaction as a program builds it: operations added in order, JavaScript values in. Nothing is checked while
// building, so a plan is straight-line code; `Session.transact` refuses a transaction that does not fit its schema
// before a byte of it is sent.

import type {
  Atom,
  Columns,
  ColumnValue,
  Database,
  InsertOf,
  MapColumn,
  Ref,
  SetColumn,
} from "./database.ts";
import { type ColumnEntries, type MapMutation, type Operation, printOperation } from "./operation.ts";
import type { DatabaseSchema } from "./schema.ts";

export interface RowOptions {
  /** That there is no such row is no error. */
  readonly allowMissing?: boolean;
}

/** Columns by name, as an object typed by the table or as a map. */
type Given<Typed> = Typed | ReadonlyMap<string, ColumnValue>;

/**
 * Operations that a server commits all or none. A table given as a literal is checked with its columns at compile
 * time; a table that is just a string takes any columns, checked against the schema when the transaction is sent.
 *
 * ```ts
 * const uuid = crypto.randomUUID();
 * const tx = new Transaction(northbound)
 *   .insert("Logical_Switch_Port", { name: "web-1", addresses: ["dynamic"] }, uuid)
 *   .mutateSet("Logical_Switch", switchUuid, "ports", "insert", [uuid]);
 * await session.transact(tx);
 * ```
 */
export class Transaction<T = unknown> {
  readonly #schema: DatabaseSchema;
  readonly #operations: Operation[] = [];

  constructor(database: Database<T>) {
    this.#schema = database.schema;
  }

  /** A new row. With `uuid` (ovsdb-server 3.1 and later) it can be referred to before and after it exists. */
  insert<K extends string>(table: K, row: Given<InsertOf<T, K>>, uuid?: Ref<NoInfer<K>>): this {
    return this.#add({ kind: "insert", table, ...(uuid !== undefined && { uuid }), columns: entriesOf(row) });
  }

  /** Sets columns of an existing row; columns not named stay. */
  update<K extends string>(
    table: K,
    uuid: Ref<NoInfer<K>>,
    columns: Given<Partial<InsertOf<T, K>>>,
    options?: RowOptions,
  ): this {
    return this.#add({ kind: "update", table, uuid, columns: entriesOf(columns), ...missing(options) });
  }

  delete<K extends string>(table: K, uuid: Ref<NoInfer<K>>, options?: RowOptions): this {
    return this.#add({ kind: "delete", table, uuid, ...missing(options) });
  }

  /** Puts members into a set column or takes them out; those that are there, or absent, already are no error. */
  mutateSet<K extends string>(
    table: K,
    uuid: Ref<NoInfer<K>>,
    column: SetColumn<T, K>,
    how: "insert" | "delete",
    values: readonly Atom[],
    options?: RowOptions,
  ): this {
    return this.#add({ kind: "mutateSet", table, uuid, column, how, values, ...missing(options) });
  }

  /** Takes keys out of a map column, then sets entries, over the value that a key may have. */
  mutateMap<K extends string>(
    table: K,
    uuid: Ref<NoInfer<K>>,
    column: MapColumn<T, K>,
    mutation: MapMutation,
    options?: RowOptions,
  ): this {
    return this.#add({ kind: "mutateMap", table, uuid, column, mutation, ...missing(options) });
  }

  /** The transaction fails with "timed out", at once, unless the row has exactly these values: a compare-and-swap. */
  waitUntil<K extends string>(
    table: K,
    uuid: Ref<NoInfer<K>>,
    columns: Given<Partial<InsertOf<T, K>>>,
  ): this {
    return this.#add({ kind: "wait", table, uuid, columns: entriesOf(columns) });
  }

  /** A note for the server's log. */
  comment(text: string): this {
    return this.#add({ kind: "comment", text });
  }

  /** How many operations there are. */
  get size(): number {
    return this.#operations.length;
  }

  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** The schema it was built for. */
  get schema(): DatabaseSchema {
    return this.#schema;
  }

  /** One line for each operation. */
  toString(): string {
    return this.#operations.map(printOperation).join("\n");
  }

  #add(operation: Operation): this {
    this.#operations.push(operation);
    return this;
  }
}

const missing = (options?: RowOptions): { allowMissing: boolean } => ({
  allowMissing: options?.allowMissing ?? false,
});

/** Typed rows are plain objects of column values; their generic type just hides that from the compiler. */
const entriesOf = (columns: unknown): ColumnEntries =>
  columns instanceof Map ? [...columns] : Object.entries(columns as Columns);
