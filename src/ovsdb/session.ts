// What a program does with one database: transactions, replicas, locks. They outlive network connections: on each new one
// (connection.ts) the session starts the monitors of its replicas and asks for its locks again.

import { settledOrAborted } from "./abort.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Condition } from "./condition.ts";
import { Connection } from "./connection.ts";
import type { ColumnOf, Database, RowOf, RowWith } from "./database.ts";
import { deferred } from "./deferred.ts";
import { givenUp, OvsdbError } from "./errors.ts";
import type { Guard } from "./guard.ts";
import { checkLockId, Lock, type LockOptions } from "./lock.ts";
import type { Log } from "./log.ts";
import { Monitor } from "./monitor.ts";
import {
  type Indexes,
  type OnlyTables,
  type Replica,
  type ReplicaOptions,
  ReplicaStore,
  type Selected,
  type Selection,
  type TableSelection,
} from "./replica.ts";
import type { RowIndex } from "./rows.ts";
import { type DatabaseSchema, parseSchema } from "./schema.ts";
import type { SessionOptions, SessionState, TransactOptions } from "./sessionOptions.ts";
import { Slices } from "./slices.ts";
import { Transaction } from "./transaction.ts";
import { encodeTransaction, readReply, type Sent, type TransactionResult } from "./transactionReply.ts";

/** The wait before a transaction with a marker is sent again. */
const retryMs = 20;

export class Session implements AsyncDisposable {
  readonly #database: string;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #connection: Connection;
  /** Monitor id -> monitor, one for each replica. */
  readonly #monitors = new Map<string, Monitor>();
  /** Lock id -> lock. */
  readonly #locks = new Map<string, Lock>();
  /**
   * Transactions on their way out, in the order of the calls. Encoded in slices, so that a large one does not block
   * the event loop.
   */
  readonly #encoding = new Slices((error) => this.#debug("transact", error));
  #lastMonitorId = 0;

  /** Throws an `OvsdbError` "invalid remote" for malformed remotes. Does no I/O. */
  constructor(options: SessionOptions) {
    this.#database = options.database;
    this.#log = options.log ?? (() => {});
    this.#clock = options.clock ?? systemClock;
    this.#connection = new Connection(options, {
      usable: (link) => {
        for (const monitor of this.#monitors.values()) link.follow(monitor);
        for (const lock of this.#locks.values()) this.#request(lock);
      },
      notified: (method, params) => this.#notified(method, params),
      converted: (link) => {
        for (const monitor of this.#monitors.values()) link.resume(monitor);
      },
      lost: () => {
        for (const monitor of this.#monitors.values()) monitor.stop();
        for (const lock of this.#locks.values()) lock.set(false);
      },
      closed: (reason) => this.#closed(reason),
    });
  }

  get state(): SessionState {
    return this.#connection.state;
  }

  /** The server's schema, which may be older or newer than the generated one; undefined before the first connection. */
  get serverSchema(): DatabaseSchema | undefined {
    return this.#connection.serverSchema;
  }

  /** Why there is no connection, or why the last one ended; undefined before anything has failed. */
  get lastError(): OvsdbError | undefined {
    return this.#connection.lastError;
  }

  /** Begins to connect, and keeps trying until `signal` is aborted or the session is disposed. */
  start(signal?: AbortSignal): void {
    this.#connection.start(signal);
  }

  /**
   * Resolves when the session is connected; at once if it is. If `signal` is aborted first, the error "canceled" says
   * what there was instead.
   */
  connected(signal?: AbortSignal): Promise<void> {
    return this.#connection.connected(signal);
  }

  /**
   * Commits `transaction`. Rejects with an `OvsdbError`
   * - when the server refuses it, or it does not fit the schema: nothing is committed;
   * - "no row", when an operation found no row: `outcome` is "committed", because OVSDB commits the others;
   * - "not connected", when there is no connection now: it was not sent;
   * - "connection lost", when the connection ended before the answer, and "canceled", when `signal` was aborted before it:
   *   `outcomeUnknown` is true. An insert with a UUID of its own can then be sent again: "duplicate uuid" proves the first.
   *   With a marker, any transaction is sent again and committed once.
   *
   * A transaction of thousands of operations is encoded in slices: the values in it must stay as they are meanwhile.
   * When it resolves, the session's replicas hold the transaction, unless they are still taking in a much larger one.
   */
  async transact<T>(transaction: Transaction<T>, options: TransactOptions = {}): Promise<TransactionResult> {
    const { marker, signal } = options;
    if (!marker) return this.#transact(transaction, signal);
    return marker.carry(transaction, {
      commit: (content, guard) => this.#transact(content, signal, guard),
      again: async () => {
        await this.#pause(signal);
        await this.connected(signal);
      },
    });
  }

  async #transact<T>(
    transaction: Transaction<T>,
    signal: AbortSignal | undefined,
    guard?: Guard,
  ): Promise<TransactionResult> {
    const link = this.#connection.usableLink();
    // If it was given up meanwhile, it is refused below, without being sent.
    if (link.settled) await settledOrAborted(link.settled, signal);
    const schema = link.schema;
    if (!schema) throw this.#connection.notConnected();
    const { promise, resolve, reject } = deferred<readonly [reply: unknown, sent: readonly Sent[]]>();
    const encode = function* (database: string): Generator<void> {
      try {
        const sent = yield* encodeTransaction(transaction, schema, guard);
        const params = [JSON.stringify(database), ...sent.map(({ text }) => text)];
        const reply = link.rpc.requestText("transact", `[${params.join(",")}]`, signal);
        reply.then((result) => resolve([result, sent]), reject);
      } catch (error) {
        reject(error);
      }
    };
    this.#encoding.add(encode(this.#database));
    const [reply, sent] = await promise;
    return readReply(reply, sent, transaction.size);
  }

  #pause(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = deferred();
    const stop = this.#clock.after(retryMs, resolve);
    const abort = (): void => {
      stop();
      if (signal) reject(givenUp(`another attempt: ${this.#connection.situation()}`, signal));
    };
    signal?.addEventListener("abort", abort, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  /** The rows of `table` that meet all of `where`, as the server has them now. */
  select<T, K extends string>(
    database: Database<T>,
    table: K,
    where?: readonly Condition<RowOf<T, K>>[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly RowOf<T, K>[]>;
  /** The same with some columns only. */
  select<T, K extends string, const C extends ColumnOf<RowOf<T, K>>>(
    database: Database<T>,
    table: K,
    where: readonly Condition<RowOf<T, K>>[],
    options: { readonly columns: readonly C[]; readonly signal?: AbortSignal },
  ): Promise<readonly RowWith<RowOf<T, K>, C>[]>;
  async select(
    database: Database<unknown>,
    table: string,
    where: readonly Condition[] = [],
    options: { readonly columns?: readonly string[]; readonly signal?: AbortSignal } = {},
  ): Promise<unknown> {
    const query = new Transaction(database).select(table, where, options.columns);
    const { operations } = await this.transact(query, options);
    return operations[0]?.rows ?? [];
  }

  /** Waits in line for the lock `id`, again on each new connection. A session has one lock of each name. */
  lock(id: string, options: LockOptions = {}): Lock {
    checkLockId(id);
    if (this.#locks.has(id)) throw new OvsdbError("invalid value", `lock ${id}: this session already has it`);
    if (this.state === "closed") throw this.#connection.notConnected();
    const lock = new Lock(id, options, {
      dispose: () => this.#unlock(id),
      situation: () => this.#connection.situation("not granted by"),
      failed: (error) => this.#log("error", `a listener of lock ${id} failed`, { error }),
    });
    this.#locks.set(id, lock);
    if (this.#connection.isOpen) this.#request(lock);
    return lock;
  }

  /** The names of the server's databases. */
  async databases(signal?: AbortSignal): Promise<readonly string[]> {
    const names = await this.#connection.usableLink().rpc.request("list_dbs", [], signal);
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
    throw new OvsdbError("protocol error", "list_dbs: expected names");
  }

  /** The schema of any database on the server. */
  async schemaOf(database: string, signal?: AbortSignal): Promise<DatabaseSchema> {
    return parseSchema(await this.#connection.usableLink().rpc.request("get_schema", [database], signal));
  }

  /**
   * Converts the database to `schema`, the JSON of a .ovsschema file (ovsdb-server(7), `convert`). Data that the new
   * schema has no place for is dropped; data that does not fit it is an error, and nothing changes. This session and
   * others like it keep running.
   */
  async convert(schema: unknown, signal?: AbortSignal): Promise<void> {
    await this.#connection.usableLink().rpc.request("convert", [this.#database, schema], signal);
  }

  /** A copy of `tables` that is kept up to date, across reconnections too, until it or the session is disposed. */
  replica<T, const S extends Selection<T>, const I extends Indexes<T, S> | undefined = undefined>(
    database: Database<T>,
    tables: S & OnlyTables<T, S>,
    options?: ReplicaOptions<I>,
  ): Replica<Selected<T, S, I>>;
  replica(
    database: Database<unknown>,
    tables: Readonly<Record<string, true | TableSelection | undefined>>,
    options: { readonly indexes?: Readonly<Record<string, readonly RowIndex[] | undefined>> } = {},
  ): unknown {
    if (this.state === "closed") throw new OvsdbError("closed", `${this.#database}: the session is closed`);
    const selection = new Map<string, TableSelection>();
    const indexes = new Map<string, readonly RowIndex[]>();
    for (const [name, wanted] of Object.entries(tables)) {
      if (!wanted) continue;
      selection.set(name, wanted === true ? {} : wanted);
      indexes.set(name, options.indexes?.[name] ?? []);
    }
    const id = String(++this.#lastMonitorId);
    const store = new ReplicaStore(indexes, this.#log, {
      select: (table, where) => monitor.select(table, where),
      dispose: () => this.#forget(id),
      situation: () => this.#connection.situation("not complete yet from"),
    });
    const monitor = new Monitor({ id, schema: database.schema, selection, store });
    this.#monitors.set(id, monitor);
    this.#connection.link?.follow(monitor);
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
  }

  #notified(method: string, params: readonly unknown[]): void {
    const [id] = params;
    if (typeof id !== "string") return;
    if (method.startsWith("update")) this.#monitors.get(id)?.notification(method, params);
    else if (method === "locked" || method === "stolen") this.#locks.get(id)?.set(method === "locked");
  }

  #request(lock: Lock): void {
    const { link } = this.#connection;
    lock
      .request(async (method, id) => link?.rpc.request(method, [id]))
      .catch((error: unknown) => this.#debug(`lock ${lock.id}`, error));
  }

  async #unlock(id: string): Promise<void> {
    const lock = this.#locks.get(id);
    if (!lock) return;
    this.#locks.delete(id);
    lock.end(new OvsdbError("closed", `lock ${id}: given back`));
    if (!this.#connection.isOpen) return;
    await this.#connection.link?.rpc
      .request("unlock", [id])
      .catch((error: unknown) => this.#debug("unlock", error));
  }

  #forget(id: string): void {
    this.#monitors.get(id)?.stop();
    this.#monitors.delete(id);
    if (!this.#connection.isOpen) return;
    this.#connection.link?.rpc
      .request("monitor_cancel", [id])
      .catch((error: unknown) => this.#debug("monitor_cancel", error));
  }

  #closed(reason: OvsdbError): void {
    for (const monitor of this.#monitors.values()) monitor.end(reason);
    this.#monitors.clear();
    for (const lock of this.#locks.values()) lock.end(reason);
    this.#locks.clear();
  }

  #debug(what: string, error: unknown): void {
    this.#log("debug", `${what} failed`, { database: this.#database, error });
  }
}
