// What an engine reports about its work, for metrics, logs and Kubernetes Events.

import type { Owner } from "../model/owner.ts";
import type { OvsdbError } from "../ovsdb/index.ts";
import type { ImpossibleFactsError } from "./errors.ts";
import type { LostEndpoints } from "./lostEndpoints.ts";
import type { PruneHeld } from "./pruneReport.ts";

/** A transaction was committed, and the replica shows it. */
export interface Committed {
  /** The owners whose facts it made true, or removed. */
  readonly owners: ReadonlySet<Owner>;
  readonly operations: number;
  /** Approximate. */
  readonly bytes: number;
  /** From the first fact of the flush to the start of the flush: the time that an earlier transaction took. */
  readonly queuedMs: number;
  /** Time spent comparing and grouping. */
  readonly diffMs: number;
  /** From sending to the answer. */
  readonly commitMs: number;
  /** Rows that no fact changed and that had to be put right. */
  readonly drift: number;
}

/** Facts that cannot be made true. Everything else goes on, and these are tried again. */
export interface Refused {
  readonly owners: ReadonlySet<Owner>;
  readonly error: OvsdbError | ImpossibleFactsError;
  readonly attempts: number;
  readonly retryInMs: number;
}

export interface EngineEvents {
  readonly committed?: (event: Committed) => void;
  readonly refused?: (event: Refused) => void;
  /** Balancers whose connections ovn-controller flushes are about to lose these. */
  readonly lost?: (endpoints: readonly LostEndpoints[]) => void;
  /** Called whenever the number of held deletions changes, with 0 rows when none is held any more. */
  readonly pruneHeld?: (event: PruneHeld) => void;
}

export interface EngineStatus {
  /** How much there is to look at. */
  readonly dirty: number;
  /** Owners that are not committed, for whatever reason. */
  readonly pendingOwners: number;
  /** Groups that the database refused and that will be tried again. */
  readonly refused: number;
  readonly heldRows: number;
}
