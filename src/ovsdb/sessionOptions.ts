// What a session and its transactions are told when they start.

import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Marker } from "./marker.ts";
import type { TlsOptions } from "./tlsOptions.ts";

export interface SessionOptions {
  /** Where the database may be: `unix:/path`, `tcp:host:port`, `tcp:[::1]:6641`, `ssl:host:port`. Tried in turn. */
  readonly remotes: readonly string[];
  /** For remotes `ssl:` (or `tls:`). */
  readonly tls?: TlsOptions;
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

export interface TransactOptions {
  /** Gives the transaction up; when it was sent already, its outcome is unknown. */
  readonly signal?: AbortSignal;
  /** Commits the transaction exactly once, over lost connections too, and says so: then "connection lost" is no outcome. */
  readonly marker?: Marker;
}
