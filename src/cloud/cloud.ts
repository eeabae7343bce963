// The network that pods become part of, as the controller sees it: what each sort of owner has to say there, and what it
// tells of ports. One implementation is OVN on the cluster's own nodes (ownNodes.ts), the other a cloud whose virtual
// machines the nodes are (ovnCloud.ts).
//
// Everything asked of a cloud is a fact, so it may take as long as it likes, fail in part and be tried again: a pod
// never waits for it. What a cloud answers is read from a copy of its own words, at once.

import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact, Owner } from "../model/fact.ts";
import type { PodNetwork, ResolvedNode } from "../model/network.ts";
import type { Hosts } from "../plan/hosts.ts";
import type { PodIdentity } from "../plan/pod.ts";
import type { PlannedPort } from "../plan/pool.ts";

/**
 * Facts, or why there can be none at the moment, in words for people. What was said before stays. `isUsual` of what
 * passes by itself, so that nobody need be told.
 */
export type Said = readonly Fact[] | { readonly notNow: string; readonly isUsual?: true };

export interface Cloud {
  /** Whether a node's ports are nested in the port of a virtual machine, told apart by VLAN tags. */
  readonly isNested: boolean;
  clusterFacts(): Said;
  nodeFacts(node: ResolvedNode): Said;
  /** A node's ready ports. */
  poolFacts(node: ResolvedNode, ports: readonly PlannedPort[]): Said;
  /** The port of a pod that has one of its own. */
  podFacts(pod: PodIdentity, node: ResolvedNode, network: PodNetwork): Said;
  serviceFacts(service: Service, slices: readonly EndpointSlice[], hosts: Hosts): Said;
  /**
   * Whether packets of the port called `name` would be carried now, or as soon as an interface is plugged; undefined as long
   * as that has not been heard.
   */
  isCarried(name: string): boolean | undefined;
  /** Resolves when it has been heard of all ports; rejects with the signal's reason when it aborts first. */
  heard(signal: AbortSignal): Promise<void>;
  /** Tags on the node's parent port that are not this cluster's. */
  foreignTags(node: ResolvedNode): ReadonlySet<number>;
  /** The node is gone: another may have its place. */
  forgetNode(name: string): void;
  /** Calls `listener` with owners for whom an answer may have changed. Returns what ends that. */
  subscribe(listener: (owner: Owner) => void): () => void;
}
