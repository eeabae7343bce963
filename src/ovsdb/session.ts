// One program's lasting relation with one database, over whatever connection there is at the moment: connects,
// shakes hands, starts the monitors of its replicas, and begins anew when the connection is lost. When to do what
// is decided by reconnect.ts; whether a server is one to stay with, by membership.ts.

import { type Clock, systemClock } from "./clock.ts";
import type { Database } from "./database.ts";
import { type Outcome, OvsdbError } from "./errors.ts";
import { Gate } from "./gate.ts";
import { Link } from "./link.ts";
import type { Log } from "./log.ts";
import { Membership } from "./membership.ts";
import { Monitor } from "./monitor.ts";
import { Reconnect } from "./reconnect.ts";
import { parseRemote, type Remote } from "./remote.ts";
import {
  type Replica,
  type ReplicaOptions,
  ReplicaStore,
  type Selection,
  type TableSelection,
} from "./replica.ts";
import type { DatabaseSchema } from "./schema.ts";
import type { Transaction } from "./transaction.ts";
import { encodeTransaction, readReply, type TransactionResult } from "./transactionReply.ts";

export interface SessionOptions {
  /** Where the database may be: `unix:/path`, `tcp:host:port`, `tcp:[::1]:6641`. Tried in turn. */
  readonly remotes: readonly string[];
  /** Name of the database: `OVN_Northbound`. */
  readonly database: string;
  /** Of a cluster, stay only with the member that leads. */
  readonly leaderOnly?: boolean;
  readonly log?: Log;
  readonly clock?: Clock;
  /** A number in [0, 1), for jitter. */
  readonly random?: () => number;
  /** A server silent for this long is asked for a sign of life; silent for as long again, it is given up. 0: never. */
  readonly probeIntervalMs?: number;
  /** For the whole way to a usable connection. */
  readonly connectTimeoutMs?: number;
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

export type SessionState = "connecting" | "connected" | "backoff" | "closed";

export class Session implements AsyncDisposable {
  readonly #database: string;
  readonly #remotes: readonly (readonly [name: string, remote: Remote])[];
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #reconnect: Reconnect;
  readonly #membership: Membership;
  readonly #connected = new Gate();
  /** Monitor id -> monitor, one for each replica. */
  readonly #monitors = new Map<string, Monitor>();
  #attempts = 0;
  #lastMonitorId = 0;
  #link: Link | undefined;
  /** Kept while there is no connection. */
  #serverSchema: DatabaseSchema | undefined;
  #state: "new" | "started" | "closed" = "new";
  #cancelTimer = (): void => {};
  readonly #ended = new AbortController();

  /** Throws an `OvsdbError` "invalid remote" for remotes that cannot be. Does no I/O. */
  constructor(options: SessionOptions) {
    if (options.remotes.length === 0) throw new OvsdbError("invalid remote", "no remote given");
    this.#database = options.database;
    this.#remotes = options.remotes.map((remote) => [remote, parseRemote(remote)]);
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

  /** The schema of the server, which may be older or newer than the generated one; undefined before the first connection. */
  get serverSchema(): DatabaseSchema | undefined {
    return this.#serverSchema;
  }

  /** Begins to connect, and goes on for ever until `signal` is aborted or the session is disposed. */
  start(signal?: AbortSignal): void {
    if (this.#state !== "new") return;
    this.#state = "started";
    signal?.addEventListener("abort", () => this.#close(), { signal: this.#ended.signal });
    if (signal?.aborted) this.#close();
    else this.#pump();
  }

  /** Resolves when the session is connected; at once if it is. */
  connected(signal?: AbortSignal): Promise<void> {
    return this.#connected.wait(signal);
  }

  /**
   * Commits `transaction`. Rejects with an `OvsdbError`
   * - when the server refuses it, or it does not fit the schema: nothing is committed;
   * - "no row", when an operation found no row: `outcome` is "committed", because OVSDB commits the others;
   * - "not connected", when there is no connection now: it was not sent;
   * - "connection lost", when the connection ended before the answer, and "canceled", when `signal` was aborted before it:
   *   `outcomeUnknown` is true. An insert with a UUID of its own can then be sent again: "duplicate uuid" proves the first.
   *
   * When it resolves, the session's replicas hold the transaction, unless they are still taking in a much larger one.
   */
  async transact<T>(
    transaction: Transaction<T>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<TransactionResult> {
    if (options.signal?.aborted) throw givenUp(options.signal, "not committed");
    const link = this.#link;
    if (!link?.schema)
      throw new OvsdbError(
        this.#state === "closed" ? "closed" : "not connected",
        `${this.#database}: not connected`,
      );
    const sent = encodeTransaction(transaction, link.schema);
    const request = link.rpc.request("transact", [this.#database, ...sent.map(({ wire }) => wire)]);
    const reply = await unlessAborted(request, options.signal);
    return readReply(reply, sent, transaction.size);
  }

  /** A copy of `tables` that is kept up to date, over reconnections too, until it or the session is disposed. */
  replica<T>(database: Database<T>, tables: Selection<T>, options?: ReplicaOptions<T>): Replica<T>;
  replica(
    database: Database<unknown>,
    tables: Readonly<Record<string, true | TableSelection | undefined>>,
    options: { readonly indexes?: Readonly<Record<string, readonly string[] | undefined>> } = {},
  ): unknown {
    if (this.#state === "closed") throw new OvsdbError("closed", `${this.#database}: the session is closed`);
    const selection = new Map<string, TableSelection>();
    const indexes = new Map<string, readonly string[]>();
    for (const [name, wanted] of Object.entries(tables)) {
      if (!wanted) continue;
      selection.set(name, wanted === true ? {} : wanted);
      indexes.set(name, options.indexes?.[name] ?? []);
    }
    const id = String(++this.#lastMonitorId);
    const store = new ReplicaStore(indexes, this.#log, () => this.#forget(id));
    const monitor = new Monitor({ id, schema: database.schema, selection, store });
    this.#monitors.set(id, monitor);
    this.#link?.follow(monitor);
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }

  /** Does what is to be done now, and comes back when something will be. */
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
          this.#link?.rpc.close(new OvsdbError("connection lost", advice.reason));
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
    const link = new Link({
      remote: target,
      database: this.#database,
      membership: this.#membership,
      log: this.#log,
      received: () => this.#reconnect.received(this.#clock.now()),
      updated: (id, method, params) => {
        if (typeof id === "string") this.#monitors.get(id)?.notification(method, params);
      },
      closed: (reason) => this.#lost(name, reason),
    });
    this.#link = link;
    link.handshake().then(
      (schema) => this.#usable(link, name, schema),
      (error: unknown) => this.#debug("handshake", error),
    );
  }

  #usable(link: Link, remote: string, schema: DatabaseSchema): void {
    // A server that is not one to stay with is left while it answers.
    if (this.#link !== link) return;
    this.#serverSchema = schema;
    this.#reconnect.connected(this.#clock.now());
    this.#connected.open();
    this.#log("info", "connected", { database: this.#database, remote, schemaVersion: schema.version });
    for (const monitor of this.#monitors.values()) link.follow(monitor);
    this.#pump();
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
    this.#connected.shut();
    for (const monitor of this.#monitors.values()) monitor.stop();
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
  }

  #debug(what: string, error: unknown): void {
    this.#log("debug", `${what} failed`, { database: this.#database, error });
  }
}

/** The answer, or an error as soon as `signal` is aborted. */
async function unlessAborted(reply: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
  if (!signal) return reply;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(givenUp(signal, "unknown"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([reply, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

const givenUp = (signal: AbortSignal, outcome: Outcome): OvsdbError =>
  new OvsdbError("canceled", "transact: given up before the answer", { cause: signal.reason, outcome });
