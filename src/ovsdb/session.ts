// One program's lasting relation with one database, over whatever connection there is at the moment.

import type { Database } from "./database.ts";
import { OvsdbError } from "./errors.ts";
import { Replica, type ReplicaOptions, type Selection } from "./replica.ts";
import type { DatabaseSchema } from "./schema.ts";
import type { Transaction } from "./transaction.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

/** Time as the session sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Runs `action` after `ms`; the returned function calls that off. */
  readonly after: (ms: number, action: () => void) => () => void;
}

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
  readonly connectTimeoutMs?: number;
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

/** What one operation did. */
export interface OperationResult {
  /** Of an insert. */
  readonly uuid?: string;
  /** Of update, delete and mutate: rows hit. */
  readonly count?: number;
}

export interface TransactionResult {
  /** In the order in which the operations were added. An operation not sent, for want of its column, is empty. */
  readonly operations: readonly OperationResult[];
}

export type SessionState = "connecting" | "connected" | "backoff" | "closed";

export class Session implements AsyncDisposable {
  readonly options: SessionOptions;

  constructor(options: SessionOptions) {
    this.options = options;
  }

  get state(): SessionState {
    return "closed";
  }

  /** The schema of the server, which may be older or newer than the generated one; undefined before the first connection. */
  get serverSchema(): DatabaseSchema | undefined {
    return undefined;
  }

  /** Begins to connect, and goes on for ever until `signal` is aborted or the session is disposed. */
  start(_signal?: AbortSignal): void {}

  /** Resolves when the session is connected; at once if it is. */
  connected(_signal?: AbortSignal): Promise<void> {
    return Promise.reject(new OvsdbError("not connected", "session"));
  }

  /**
   * Commits `transaction`. Rejects with an `OvsdbError` when the server refuses it, when an operation hit no row, when
   * there is no connection, and when the connection is lost before the answer (`outcomeUnknown`).
   */
  transact<T>(_transaction: Transaction<T>, _options?: { signal?: AbortSignal }): Promise<TransactionResult> {
    return Promise.reject(new OvsdbError("not connected", "session"));
  }

  /** A copy of `tables` that is kept up to date, over reconnections too, until it or the session is disposed. */
  replica<T>(_database: Database<T>, _tables: Selection<T>, _options?: ReplicaOptions<T>): Replica<T> {
    return new Replica<T>();
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
