// The network that pods become part of: which plans make its topology. One implementation is OVN on the cluster's own nodes
// (ownNodes.ts), the other a cloud whose virtual machines the nodes are (ovnCloud.ts).
//
// What is wanted of a cloud is only ever a fact. So a cloud may be slow, fail in part and be tried again, and no pod waits for it.

import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import type { ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { PortState } from "../observe/portStates.ts";
import type { RefTo } from "../plan/facts.ts";
import type { NodeIndex } from "../plan/nodeIndex.ts";

/**
 * Facts, or why there can be none at the moment, in words for people. What was said before stays. `isUsual` of what
 * passes by itself, so that nobody need be told.
 */
export type Said = readonly Fact[] | NotYet;
export type NotYet = { readonly notNow: string; readonly isUsual?: true };

export interface Cloud {
  /** From this state on, a port's packets are carried as soon as an interface is plugged. */
  readonly carriedFrom: PortState;
  /** The UUID of the router that joins the nodes' switches. */
  router(): RefTo<"Logical_Router"> | NotYet;
  clusterFacts(owner: Owner): Said;
  nodeFacts(owner: Owner, node: ResolvedNode): Said;
  serviceFacts(owner: Owner, service: Service, slices: readonly EndpointSlice[], index: NodeIndex): Said;
}
