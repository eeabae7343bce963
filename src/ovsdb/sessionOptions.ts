// The options of a session and of its transactions, and the states a session can be in.

import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Marker } from "./marker.ts";
import type { TlsOptions } from "./tlsOptions.ts";

export interface SessionOptions {
  /** Where the database may be: `unix:/path`, `tcp:host:port`, `tcp:[::1]:6641`, `ssl:host:port`. Tried in turn. */
  readonly remotes: readonly string[];
  /** For `ssl:` (or `tls:`) remotes. */
  readonly tls?: TlsOptions;
  /** Name of the database: `OVN_Northbound`. */
  readonly database: string;
  /** In a cluster, stay only with the leader. */
  readonly leaderOnly?: boolean;
  readonly log?: Log;
  readonly clock?: Clock;
  /** A number in [0, 1), for jitter. */
  readonly random?: () => number;
  /** A server silent for this long is probed; silent for as long again, it is given up. 0: never. */
  readonly probeIntervalMs?: number;
  /** Until the connection is usable. */
  readonly connectTimeoutMs?: number;
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

export type SessionState = "connecting" | "connected" | "backoff" | "closed";

export interface TransactOptions {
  /** Abandons the transaction; if it was already sent, its outcome is unknown. */
  readonly signal?: AbortSignal;
  /**
   * Commits the transaction exactly once, across lost connections too, so that "connection lost" cannot be the
   * outcome.
   */
  readonly marker?: Marker;
}
