// Keeps one destination equal to the facts about it. The destination may be an OVSDB database (engine.ts), or a service
// that answers slowly and fails in part (docs/decisions/0017). An applier takes its facts from `Desired` by itself.

import type { Owner } from "../model/owner.ts";
import type { EngineStatus } from "./engineEvents.ts";
import type { Mark } from "./generations.ts";
import type { PruneHeld } from "./pruneReport.ts";

/** How far an owner's facts are known to have got; `unknown` when the destination cannot tell. */
export type Installed = "installed" | "unknown";

/** What `run` would do now. */
export interface Preview {
  /** In order; each one prints its content. */
  readonly transactions: readonly { toString(): string }[];
  readonly held: PruneHeld | undefined;
  /** Facts that cannot be made true at present. */
  readonly problems: readonly string[];
}

export interface Applier {
  /**
   * Works until `signal` aborts, and retries every failure that may be temporary. Rejects only when this process may no
   * longer write to the destination.
   */
  run(signal: AbortSignal): Promise<void>;
  /** The owners with rows at the destination, which must have been read: call this after `run` has begun. */
  owners(): Iterable<Owner>;
  /** The inputs of all plans are complete. Nothing is removed before this is called. */
  allSynced(): void;
  /** As long as there is a `reason`, in words for people, nothing is taken away, whatever any owner says. */
  suspendPrune(reason: string | undefined): void;
  /** Releases the deletions that are held now. */
  approvePrune(): void;
  /** Resolves when the destination holds everything that `owner` states, and nothing that it no longer states. */
  committed(owner: Owner, signal?: AbortSignal): Promise<void>;
  /** Whether `committed` would resolve at once. */
  isCommitted(owner: Owner): boolean;
  /**
   * Resolves when the owner's facts are committed and in force on each of these chassis: a closed port may open only
   * after its policy has got there. "unknown" when nobody can tell, for example for a chassis that does not exist.
   */
  installed(owner: Owner, chassis: readonly string[], signal?: AbortSignal): Promise<Installed>;
  /** What the destination holds now, to see later where it is in force; undefined when nobody can tell. */
  mark(signal?: AbortSignal): Promise<Mark | undefined>;
  /** Resolves when there is nothing to do except what waits for a retry, for other facts or for approval. */
  settled(signal?: AbortSignal): Promise<void>;
  /** Sends nothing, and takes no facts. */
  dryRun(signal?: AbortSignal): Promise<Preview>;
  readonly status: EngineStatus;
}
