// A transaction as a program builds it: operations added in order, with JavaScript values. Nothing is checked while
// building, so a plan is straight-line code; `Session.transact` refuses a transaction that does not fit its schema
// before a byte of it is sent.

import type { Atom, ColumnValue, Integer } from "./columnValue.ts";
import type { Condition } from "./condition.ts";
import type {
  ColumnOf,
  Columns,
  Database,
  EntriesOf,
  InsertOf,
  MapColumn,
  MemberOf,
  NumberColumn,
  Ref,
  RowOf,
  SetColumn,
  UpdateOf,
} from "./database.ts";
import type { Arithmetic, ColumnEntries, MapMutation, Operation } from "./operation.ts";
import { operationText } from "./operationText.ts";
import type { DatabaseSchema } from "./schema.ts";

export interface RowOptions {
  /** A missing row is not an error. */
  readonly allowMissing?: boolean;
}

/** The row with a UUID, or all rows that meet every condition; every row meets an empty list of conditions. */
export type Target<T, K extends string> = Ref<NoInfer<K>> | readonly Condition<RowOf<T, K>>[];

export interface WaitOptions<Columns> {
  /** What the rows have to be (`==`) or cease to be (`!=`), in any order. No rows at all is a state too. */
  readonly rows: readonly Given<Columns>[];
  /** The columns to compare; by default those of the first row. Other columns of `rows` are ignored. */
  readonly columns?: readonly string[];
  readonly until?: "==" | "!=";
  /**
   * The transaction fails with "timed out" if the state is not reached by then: by default at once (0), with
   * `Infinity` never.
   */
  readonly timeoutMs?: number;
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

  /** Reads rows within the transaction, as the operations before have left them: `rows` of the result. */
  select<K extends string>(table: K, target: Target<T, K>, columns?: readonly ColumnOf<RowOf<T, K>>[]): this {
    return this.#add({ kind: "select", table, ...rowsOf(target), ...(columns && { columns }) });
  }

  /** Sets columns of existing rows; columns not named stay. */
  update<K extends string>(
    table: K,
    target: Target<T, K>,
    columns: Given<UpdateOf<T, K>>,
    options?: RowOptions,
  ): this {
    return this.#add({
      kind: "update",
      table,
      ...rowsOf(target),
      columns: entriesOf(columns),
      ...missing(target, options),
    });
  }

  delete<K extends string>(table: K, target: Target<T, K>, options?: RowOptions): this {
    return this.#add({ kind: "delete", table, ...rowsOf(target), ...missing(target, options) });
  }

  /** Adds members to a set column or removes them. Members that are already there, or already absent, are fine. */
  mutateSet<K extends string, C extends SetColumn<T, K>>(
    table: K,
    target: Target<T, K>,
    column: C,
    how: "insert" | "delete",
    values: readonly NoInfer<MemberOf<T, K, C>>[],
    options?: RowOptions,
  ): this {
    return this.#add({
      kind: "mutateSet",
      table,
      ...rowsOf(target),
      column,
      how,
      values: atomsOf(values),
      ...missing(target, options),
    });
  }

  /** Removes keys from a map column, then sets entries, replacing the values of existing keys. */
  mutateMap<K extends string, C extends MapColumn<T, K>>(
    table: K,
    target: Target<T, K>,
    column: C,
    mutation: MapMutation<NoInfer<EntriesOf<T, K, C>>>,
    options?: RowOptions,
  ): this {
    return this.#add({
      kind: "mutateMap",
      table,
      ...rowsOf(target),
      column,
      mutation: mutationOf(mutation),
      ...missing(target, options),
    });
  }

  /** Lets the server calculate with the number in a column, or with each number in a set. */
  mutateNumber<K extends string>(
    table: K,
    target: Target<T, K>,
    column: NumberColumn<T, K>,
    how: Arithmetic,
    value: Integer,
    options?: RowOptions,
  ): this {
    return this.#add({
      kind: "mutateNumber",
      table,
      ...rowsOf(target),
      column,
      how,
      value,
      ...missing(target, options),
    });
  }

  /** The transaction fails at once with "timed out" unless the row has exactly these values: a compare-and-swap. */
  waitUntil<K extends string>(
    table: K,
    uuid: Ref<NoInfer<K>>,
    columns: Given<Partial<InsertOf<T, K>>>,
  ): this {
    return this.wait(table, uuid, { rows: [columns] });
  }

  /** Waits until the rows that `target` names are, or no longer are, `rows`. Other clients continue meanwhile. */
  wait<K extends string>(
    table: K,
    target: Target<T, K>,
    options: WaitOptions<Partial<InsertOf<T, K>>>,
  ): this {
    const rows = options.rows.map(entriesOf);
    const { columns = rows[0]?.map(([name]) => name) ?? [], until = "==", timeoutMs = 0 } = options;
    return this.#add({
      kind: "wait",
      table,
      ...rowsOf(target),
      until,
      columns,
      rows,
      timeoutMs: timeoutMs === Number.POSITIVE_INFINITY ? undefined : timeoutMs,
    });
  }

  /** Fails with "not owner" unless this session holds the lock `id`. See `Session.lock` for what that guarantees. */
  assert(id: string): this {
    return this.#add({ kind: "assert", lock: id });
  }

  /** Always ends in "aborted": the operations before it are tried but not committed. */
  abort(): this {
    return this.#add({ kind: "abort" });
  }

  /** The answer comes only once the transaction is on the server's disk. */
  durable(): this {
    return this.#add({ kind: "durable" });
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
    return this.#operations.map(operationText).join("\n");
  }

  #add(operation: Operation): this {
    this.#operations.push(operation);
    return this;
  }
}

/** Conditions, rows and values are typed by their table, which their generic types hide from the compiler. */
const rowsOf = (target: unknown): { readonly uuid: string } | { readonly where: readonly Condition[] } =>
  typeof target === "string" ? { uuid: target } : { where: target as readonly Condition[] };

/** A row named by UUID must exist; conditions may be met by no row. */
const missing = (target: unknown, options?: RowOptions): { readonly allowMissing: boolean } => ({
  allowMissing: options?.allowMissing ?? typeof target !== "string",
});

const entriesOf = (columns: unknown): ColumnEntries =>
  columns instanceof Map ? [...columns] : Object.entries(columns as Columns);

const atomsOf = (values: unknown): readonly Atom[] => values as readonly Atom[];

const mutationOf = (mutation: unknown): MapMutation => mutation as MapMutation;
