// All decisions, one for each kind of owner that needs one.

import type { Clock } from "../kube/clock.ts";
import type { FloatingAddress } from "../kube/floatingAddress.ts";
import type { Kind } from "../kube/kinds.ts";
import type { Stores } from "../kube/stores.ts";
import type { Cidr } from "../model/ip.ts";
import type { Names } from "../model/names.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Observed } from "../observe/observed.ts";
import type { PortState } from "../observe/portStates.ts";
import { PoolSearch } from "./allocate/poolSearch.ts";
import type { Decider } from "./decider.ts";
import type { AnyDecides, FloatingTell, ServiceTell, Tell } from "./deciding.ts";
import { type FloatingDecisionOptions, type FloatingStatus, floatingDecision } from "./floatingDecision.ts";
import { FloatingRequests, type MakeFloating } from "./floatingRequests.ts";
import { nodeDecision } from "./nodeDecision.ts";
import { OuterTaken } from "./outerTaken.ts";
import { podDecision } from "./podDecision.ts";
import type { Policing } from "./policing.ts";
import { poolDecision } from "./poolDecision.ts";
import { serviceDecision } from "./serviceDecision.ts";
import type { WriteServiceStatus } from "./serviceStatus.ts";

/** What is written about FloatingAddresses. */
export interface WriteFloating extends MakeFloating {
  /** Resolves when the API server has acknowledged it. */
  readonly status: (floating: FloatingAddress, status: FloatingStatus) => Promise<void>;
}

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
  readonly writeFloating: WriteFloating;
  readonly policing: Policing | undefined;
  readonly mayExist: FloatingDecisionOptions["mayExist"];
  readonly tell: Tell & ServiceTell & FloatingTell;
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
  "FloatingAddress",
];

/** Why a cloud cannot give pods floating addresses, for people. */
function unservedBy({ tenant: view }: Pick<Observed, "tenant">): string | undefined {
  if (!view || (view.tenant()?.gateways.length ?? 0) > 0) return undefined;
  return `the tenant's router ${view.router} has no port with a gateway chassis, so it translates no addresses: the cloud's operator has to join it to an external network (ovn-nbctl lrp-set-gateway-chassis)`;
}

export function decisions(options: DecisionsOptions): readonly AnyDecides[] {
  const { network, externalIps, decider, stores, observed, policing, clock, enqueueLater, signal, tell } =
    options;
  const { nodeLives, podLives, pools } = decider;
  const search = new PoolSearch();
  const rows = observed.floatingRows();
  const taken = new OuterTaken({ stores, grants: decider.grants, rows });
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
      ...{ network, externalIps, stores, tell, taken, search },
      places: decider,
      hasGateways: observed.tenant === undefined,
      write: options.writeServiceStatus,
    }),
    floatingDecision({
      ...{ network, stores, tell, taken, search, rows },
      places: decider,
      grants: decider.grants,
      requests: new FloatingRequests(options.writeFloating, tell.notFloating),
      unserved: () => unservedBy(observed),
      hasGateways: observed.tenant === undefined,
      mayExist: options.mayExist,
      write: options.writeFloating.status,
      again: enqueueLater,
    }),
  ];
  if (!pools) return single;
  return [...single, poolDecision({ ...options, pools, now: clock.now, again: enqueueLater })];
}
