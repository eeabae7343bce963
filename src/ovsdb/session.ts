// A program's lasting connection to one database, over changing network connections: it connects, performs the
// handshake, starts the monitors of its replicas, and begins again when a connection is lost. reconnect.ts decides
// when to do what, membership.ts whether to stay with a server.

import { settledOrAborted } from "./abort.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Condition } from "./condition.ts";
import type { ColumnOf, Database, RowOf, RowWith } from "./database.ts";
import { deferred } from "./deferred.ts";
import { givenUp, OvsdbError } from "./errors.ts";
import { Gate } from "./gate.ts";
import type { Guard } from "./guard.ts";
import { Link } from "./link.ts";
import { checkLockId, Lock, type LockOptions } from "./lock.ts";
import type { Log } from "./log.ts";
import { Membership } from "./membership.ts";
import { Monitor } from "./monitor.ts";
import { Reconnect } from "./reconnect.ts";
import { parseRemote, type Remote } from "./remote.ts";
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
import type { SessionOptions, TransactOptions } from "./sessionOptions.ts";
import { Slices } from "./slices.ts";
import type { TlsOptions } from "./tlsOptions.ts";
import { Transaction } from "./transaction.ts";
import { encodeTransaction, readReply, type Sent, type TransactionResult } from "./transactionReply.ts";

/** The wait before a transaction with a marker is sent again. */
const retryMs = 20;

export type SessionState = "connecting" | "connected" | "backoff" | "closed";

export class Session implements AsyncDisposable {
  readonly #database: string;
  readonly #remotes: readonly (readonly [name: string, remote: Remote])[];
  readonly #tls: TlsOptions | undefined;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #reconnect: Reconnect;
  readonly #membership: Membership;
  readonly #connected = new Gate();
  /** Monitor id -> monitor, one for each replica. */
  readonly #monitors = new Map<string, Monitor>();
  /** Lock id -> lock. */
  readonly #locks = new Map<string, Lock>();
  /**
   * Transactions on their way out, in the order of the calls. Encoded in slices, so that a large one does not block
   * the event loop.
   */
  readonly #encoding = new Slices((error) => this.#debug("transact", error));
  #attempts = 0;
  #lastMonitorId = 0;
  #link: Link | undefined;
  /** Kept while there is no connection. */
  #serverSchema: DatabaseSchema | undefined;
  #lastError: OvsdbError | undefined;
  #lastRemote = "";
  /** The remote that the session is connected to, or tries. */
  #remoteName = "";
  #state: "new" | "started" | "closed" = "new";
  #cancelTimer = (): void => {};
  readonly #ended = new AbortController();

  /** Throws an `OvsdbError` "invalid remote" for malformed remotes. Does no I/O. */
  constructor(options: SessionOptions) {
    if (options.remotes.length === 0) throw new OvsdbError("invalid remote", "no remote given");
    this.#database = options.database;
    this.#remotes = options.remotes.map((remote) => [remote, parseRemote(remote)]);
    if (!options.tls && this.#remotes.some(([, remote]) => remote.kind === "tls"))
      throw new OvsdbError("invalid remote", "a remote ssl:HOST:PORT needs the option tls");
    this.#tls = options.tls;
    this.#log = options.log ?? (() => {});
    this.#clock = options.clock ?? systemClock;
    this.#reconnect = new Reconnect(
      {
        remotes: options.remotes.length,
        minBackoffMs: options.minBackoffMs ?? 100,
        maxBackoffMs: options.maxBackoffMs ?? 8000,
        connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
        probeIntervalMs: options.probeIntervalMs ?? 10_000,
        random: options.random ?? Math.random,
      },
      this.#clock.now(),
    );
    this.#membership = new Membership(options.leaderOnly ?? false);
  }

  get state(): SessionState {
    if (this.#state !== "started") return this.#state === "closed" ? "closed" : "backoff";
    if (this.#connected.isOpen) return "connected";
    return this.#link ? "connecting" : "backoff";
  }

  /** The server's schema, which may be older or newer than the generated one; undefined before the first connection. */
  get serverSchema(): DatabaseSchema | undefined {
    return this.#serverSchema;
  }

  /** Why there is no connection, or why the last one ended; undefined before anything has failed. */
  get lastError(): OvsdbError | undefined {
    return this.#lastError;
  }

  /** Begins to connect, and keeps trying until `signal` is aborted or the session is disposed. */
  start(signal?: AbortSignal): void {
    if (this.#state !== "new") return;
    this.#state = "started";
    signal?.addEventListener("abort", () => this.#close(), { signal: this.#ended.signal });
    if (signal?.aborted) this.#close();
    else this.#pump();
  }

  /**
   * Resolves when the session is connected; at once if it is. If `signal` is aborted first, the error "canceled" says
   * what there was instead.
   */
  connected(signal?: AbortSignal): Promise<void> {
    return this.#connected.wait(signal, () => `a connection: ${this.#situation()}`);
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
    const link = this.#usableLink();
    // If it was given up meanwhile, it is refused below, without being sent.
    if (link.settled) await settledOrAborted(link.settled, signal);
    const schema = link.schema;
    if (!schema) throw this.#notConnected();
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
      if (signal) reject(givenUp(`another attempt: ${this.#situation()}`, signal));
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
    if (this.#state === "closed") throw this.#notConnected();
    const lock = new Lock(id, options, {
      dispose: () => this.#unlock(id),
      situation: () => this.#situation("not granted by"),
      failed: (error) => this.#log("error", `a listener of lock ${id} failed`, { error }),
    });
    this.#locks.set(id, lock);
    if (this.#connected.isOpen) this.#request(lock);
    return lock;
  }

  /** The names of the server's databases. */
  async databases(signal?: AbortSignal): Promise<readonly string[]> {
    const names = await this.#usableLink().rpc.request("list_dbs", [], signal);
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
    throw new OvsdbError("protocol error", "list_dbs: expected names");
  }

  /** The schema of any database on the server. */
  async schemaOf(database: string, signal?: AbortSignal): Promise<DatabaseSchema> {
    return parseSchema(await this.#usableLink().rpc.request("get_schema", [database], signal));
  }

  /**
   * Converts the database to `schema`, the JSON of a .ovsschema file (ovsdb-server(7), `convert`). Data that the new
   * schema has no place for is dropped; data that does not fit it is an error, and nothing changes. This session and
   * others like it keep running.
   */
  async convert(schema: unknown, signal?: AbortSignal): Promise<void> {
    await this.#usableLink().rpc.request("convert", [this.#database, schema], signal);
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
    if (this.#state === "closed") throw new OvsdbError("closed", `${this.#database}: the session is closed`);
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
      situation: () => this.#situation("not complete yet from"),
    });
    const monitor = new Monitor({ id, schema: database.schema, selection, store });
    this.#monitors.set(id, monitor);
    this.#link?.follow(monitor);
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }

  /** Does what is due now, and schedules itself for what is due next. */
  readonly #pump = (): void => {
    while (this.#state === "started") {
      const now = this.#clock.now();
      const advice = this.#reconnect.advise(now);
      this.#cancelTimer();
      switch (advice.action) {
        case "connect":
          this.#reconnect.connecting(now);
          this.#connect();
          break;
        case "probe":
          this.#reconnect.probed(now);
          this.#link?.rpc.request("echo", ["probe"]).catch((error: unknown) => this.#debug("probe", error));
          break;
        case "disconnect":
          this.#link?.rpc.close(new OvsdbError("connection lost", this.#silence(advice.reason)));
          break;
        case "wait":
          if (advice.until < Number.POSITIVE_INFINITY)
            this.#cancelTimer = this.#clock.after(advice.until - now, this.#pump);
          return;
      }
    }
  };

  #connect(): void {
    const remote = this.#remotes[this.#attempts++ % this.#remotes.length];
    if (!remote) return;
    const [name, target] = remote;
    this.#remoteName = name;
    const link = new Link({
      remote: target,
      name,
      tls: this.#tls,
      database: this.#database,
      membership: this.#membership,
      log: this.#log,
      received: () => this.#reconnect.received(this.#clock.now()),
      notified: (method, params) => this.#notified(method, params),
      converted: (schema) => this.#converted(link, schema),
      closed: (reason) => this.#lost(name, reason),
    });
    this.#link = link;
    link.handshake().then(
      (schema) => this.#usable(link, name, schema),
      (error: unknown) => this.#debug("handshake", error),
    );
  }

  #usable(link: Link, remote: string, schema: DatabaseSchema): void {
    // A server not worth staying with is left even while it answers.
    if (this.#link !== link) return;
    this.#serverSchema = schema;
    this.#reconnect.connected(this.#clock.now());
    this.#connected.open();
    this.#log("info", "connected", { database: this.#database, remote, schemaVersion: schema.version });
    for (const monitor of this.#monitors.values()) link.follow(monitor);
    for (const lock of this.#locks.values()) this.#request(lock);
    this.#pump();
  }

  #notified(method: string, params: readonly unknown[]): void {
    const [id] = params;
    if (typeof id !== "string") return;
    if (method.startsWith("update")) this.#monitors.get(id)?.notification(method, params);
    else if (method === "locked" || method === "stolen") this.#locks.get(id)?.set(method === "locked");
  }

  #converted(link: Link, schema: DatabaseSchema): void {
    this.#serverSchema = schema;
    this.#log("info", "converted", { database: this.#database, schemaVersion: schema.version });
    for (const monitor of this.#monitors.values()) link.resume(monitor);
  }

  #request(lock: Lock): void {
    const link = this.#link;
    lock
      .request(async (method, id) => link?.rpc.request(method, [id]))
      .catch((error: unknown) => this.#debug(`lock ${lock.id}`, error));
  }

  async #unlock(id: string): Promise<void> {
    const lock = this.#locks.get(id);
    if (!lock) return;
    this.#locks.delete(id);
    lock.end(new OvsdbError("closed", `lock ${id}: given back`));
    if (!this.#connected.isOpen) return;
    await this.#link?.rpc.request("unlock", [id]).catch((error: unknown) => this.#debug("unlock", error));
  }

  #usableLink(): Link {
    if (this.#link?.schema) return this.#link;
    throw this.#notConnected();
  }

  #notConnected(): OvsdbError {
    return new OvsdbError(
      this.#state === "closed" ? "closed" : "not connected",
      `${this.#database}: ${this.#situation()}`,
    );
  }

  /** What the session has to do with its server now. `connected` says what is missing if it is connected. */
  #situation(connected = "connected to"): string {
    if (this.#state === "new") return "the session was never started: call start()";
    if (this.#state === "closed") return "the session is closed";
    const remotes = this.#remotes.map(([name]) => name);
    if (this.#connected.isOpen) return `${connected} ${this.#remoteName}`;
    if (this.#lastError) return `not connected, last tried ${this.#lastRemote}: ${this.#lastError.message}`;
    return `not connected, no answer yet from ${remotes.join(" or ")}`;
  }

  /** `reason` to give up a server, with what it owes. */
  #silence(reason: string): string {
    const owed = this.#link?.rpc.unanswered ?? [];
    return `${this.#remoteName}: ${reason}${owed.length > 0 ? `; unanswered: ${owed.join(", ")}` : ""}`;
  }

  #forget(id: string): void {
    this.#monitors.get(id)?.stop();
    this.#monitors.delete(id);
    if (!this.#connected.isOpen) return;
    this.#link?.rpc
      .request("monitor_cancel", [id])
      .catch((error: unknown) => this.#debug("monitor_cancel", error));
  }

  #lost(remote: string, reason: OvsdbError): void {
    this.#link = undefined;
    this.#lastError = reason;
    this.#lastRemote = remote;
    this.#connected.shut();
    for (const monitor of this.#monitors.values()) monitor.stop();
    for (const lock of this.#locks.values()) lock.set(false);
    if (this.#state === "closed") return;
    this.#reconnect.disconnected(this.#clock.now());
    this.#log("warn", "disconnected", { database: this.#database, remote, reason: reason.message });
    this.#pump();
  }

  #close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#ended.abort();
    this.#cancelTimer();
    const reason = new OvsdbError("closed", `${this.#database}: the session is closed`);
    this.#link?.rpc.close(reason);
    this.#connected.fail(reason);
    for (const monitor of this.#monitors.values()) monitor.end(reason);
    this.#monitors.clear();
    for (const lock of this.#locks.values()) lock.end(reason);
    this.#locks.clear();
  }

  #debug(what: string, error: unknown): void {
    this.#log("debug", `${what} failed`, { database: this.#database, error });
  }
}
