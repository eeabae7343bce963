// What keeps one destination equal to the facts about it, whatever is at the other end: an OVSDB database (engine.ts), or
// a service that answers slowly and fails in part (docs/decisions/0017). It takes its facts from `Desired` by itself.

import type { Owner } from "../model/owner.ts";
import type { EngineStatus } from "./engineEvents.ts";
import type { PruneHeld } from "./pruneGuard.ts";

/** How far an owner's facts are known to have come; `unknown` where the destination cannot tell. */
export type Installed = "installed" | "unknown";

/** What `run` would do now. */
export interface Preview {
  /** In order; each prints as what it is. */
  readonly transactions: readonly { toString(): string }[];
  readonly held: PruneHeld | undefined;
  /** Facts that cannot be made true as things are. */
  readonly problems: readonly string[];
}

export interface Applier {
  /**
   * Works until `signal` is aborted, and through every failure that may pass. Rejects only when this process may not
   * write there any more.
   */
  run(signal: AbortSignal): Promise<void>;
  /** All inputs of all plans are complete. Until this is said, nothing is removed. */
  allSynced(): void;
  /** Lets the deletions that are held now go. */
  approvePrune(): void;
  /** Resolves when the destination holds all that `owner` says, and nothing that it no longer says. */
  committed(owner: Owner, signal?: AbortSignal): Promise<void>;
  /**
   * Resolves when what the owner says is committed and in force on each of these chassis: a closed port may open only after its
   * policy has got there. "unknown" when that cannot be told, as of a chassis that is not there.
   */
  installed(owner: Owner, chassis: readonly string[], signal?: AbortSignal): Promise<Installed>;
  /** Resolves when there is nothing to do, except what waits: for a retry, for other facts, for approval. */
  settled(signal?: AbortSignal): Promise<void>;
  /** Sends nothing, and takes nothing. */
  dryRun(signal?: AbortSignal): Promise<Preview>;
  readonly status: EngineStatus;
}
