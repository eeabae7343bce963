// Where pods are in the network, once that has been decided: what plans spell out.

import type { PodNetwork } from "./network.ts";
import type { PoolPort } from "./pool.ts";

/** A pod's place in the network. */
export interface PodPlace {
  readonly network: PodNetwork;
  /** The pod needs a port of its own; else its node has given it one from the pool. */
  readonly ownPort: boolean;
}

export interface PlannedPort extends PoolPort {
  /** No packet passes. */
  readonly isClosed: boolean;
}

/** A node's ready ports. */
export interface PoolPlace {
  readonly ports: readonly PlannedPort[];
  /** The name of the port that they are nested in; undefined where they are not. */
  readonly parent: string | undefined;
}
