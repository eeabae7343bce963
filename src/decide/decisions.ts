// All decisions, one for each kind of owner that needs one.

import type { Clock } from "../kube/clock.ts";
import type { Kind } from "../kube/kinds.ts";
import type { Stores } from "../kube/stores.ts";
import type { Cidr } from "../model/ip.ts";
import type { Names } from "../model/names.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Observed } from "../observe/observed.ts";
import type { PortState } from "../observe/portStates.ts";
import type { Decider } from "./decider.ts";
import type { AnyDecides, ServiceTell, Tell } from "./deciding.ts";
import { nodeDecision } from "./nodeDecision.ts";
import { podDecision } from "./podDecision.ts";
import type { Policing } from "./policing.ts";
import { poolDecision } from "./poolDecision.ts";
import { serviceDecision, type WriteServiceStatus } from "./serviceDecision.ts";

export interface DecisionsOptions {
  readonly decider: Decider;
  readonly names: Names;
  readonly stores: Stores;
  readonly observed: Observed;
  readonly carriedFrom: PortState;
  readonly network: ClusterNetwork;
  /** What a Service may have as external IP. */
  readonly externalIps: readonly Cidr[];
  readonly writeServiceStatus: WriteServiceStatus;
  readonly policing: Policing | undefined;
  readonly tell: Tell & ServiceTell;
  readonly enqueueLater: (owner: Owner, delayMs: number) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The kinds of objects that decisions read. */
export const decisionReads: readonly Kind[] = [
  "Node",
  "Pod",
  "Service",
  "EndpointSlice",
  "ServiceCIDR",
  "IPAddressPool",
];

export function decisions(options: DecisionsOptions): readonly AnyDecides[] {
  const { network, externalIps, decider, stores, observed, policing, clock, enqueueLater, signal, tell } =
    options;
  const { nodeLives, podLives, pools } = decider;
  const single = [
    nodeDecision({
      lives: nodeLives,
      stores,
      hasRows: (owner) => observed.hasRows(owner),
      again: enqueueLater,
      tell,
      signal,
    }),
    podDecision({
      lives: podLives,
      nodes: nodeLives,
      stores,
      policing,
      again: enqueueLater,
      now: clock.now,
      tell,
      signal,
    }),
    serviceDecision({
      ...{ network, externalIps, stores, tell },
      places: decider,
      hasGateways: observed.tenant === undefined,
      write: options.writeServiceStatus,
    }),
  ];
  if (!pools) return single;
  return [...single, poolDecision({ ...options, pools, now: clock.now, again: enqueueLater })];
}
