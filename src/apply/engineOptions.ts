// What an engine is made of, and its limits.

import type { Desired } from "../desired/desired.ts";
import type { Destination } from "../model/fact.ts";
import type { AnyReplica, Clock, Database, Log, Session } from "../ovsdb/index.ts";
import type { BatchLimits } from "./batch.ts";
import type { EngineEvents } from "./engineEvents.ts";
import type { Fence } from "./fence.ts";
import type { Generations } from "./generations.ts";
import { defaultPruneLimits, type PruneLimits } from "./pruneGuard.ts";

export interface EngineOptions {
  readonly destination: Destination;
  readonly cluster: string;
  readonly database: Database<unknown>;
  readonly desired: Desired;
  readonly session: Pick<Session, "transact" | "serverSchema">;
  /** Must copy every table that has facts, with all rows. */
  readonly replica: AnyReplica;
  /** Taken before `run`. Without it, nothing keeps a second writer out. */
  readonly fence?: Fence;
  /** Without it, nobody can tell what is in force on chassis. */
  readonly generations?: Generations;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: { readonly batch?: BatchLimits; readonly prune?: PruneLimits };
  readonly events?: EngineEvents;
}

const defaultBatchLimits: BatchLimits = { changes: 1_000, bytes: 512 * 1024 };

export const batchLimits = ({ limits }: EngineOptions): BatchLimits => limits?.batch ?? defaultBatchLimits;
export const pruneLimits = ({ limits }: EngineOptions): PruneLimits => limits?.prune ?? defaultPruneLimits;
