// What an engine tells of its work, for metrics, logs and Kubernetes Events.

import type { Owner } from "../model/fact.ts";
import type { OvsdbError } from "../ovsdb/index.ts";
import type { ImpossibleFactsError } from "./errors.ts";
import type { PruneHeld } from "./pruneGuard.ts";

/** A transaction was committed, and the replica shows it. */
export interface Committed {
  /** Whose facts it made true, or ended. */
  readonly owners: ReadonlySet<Owner>;
  readonly operations: number;
  /** Roughly. */
  readonly bytes: number;
  /** From the first fact of the flush to its beginning: the time an earlier transaction took. */
  readonly queuedMs: number;
  /** Comparing and grouping. */
  readonly diffMs: number;
  /** From sending to the answer. */
  readonly commitMs: number;
  /** Rows that nobody's facts changed and that had to be put right all the same. */
  readonly drift: number;
}

/** Something that facts ask for cannot be had. All else goes on; it is tried again. */
export interface Refused {
  readonly owners: ReadonlySet<Owner>;
  readonly error: OvsdbError | ImpossibleFactsError;
  readonly attempts: number;
  readonly retryInMs: number;
}

export interface EngineEvents {
  readonly committed?: (event: Committed) => void;
  readonly refused?: (event: Refused) => void;
  /** Each time the number of held deletions changes; with 0 rows when they are free again. */
  readonly pruneHeld?: (event: PruneHeld) => void;
}

export interface EngineStatus {
  /** Rows to look at. */
  readonly dirty: number;
  /** Owners that are not committed, whatever the reason. */
  readonly pendingOwners: number;
  /** Groups that the database refused and that are tried again. */
  readonly refused: number;
  readonly heldDeletes: number;
}
