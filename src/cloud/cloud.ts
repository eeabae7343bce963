// The network that pods become part of. A cloud decides which plans make its topology. There are two: OVN on the
// cluster's own nodes (ownNodes.ts), and a cloud whose virtual machines are the nodes (ovnCloud.ts).
//
// Weft asks a cloud for things only by stating facts. So a cloud may be slow or fail in part; the facts are tried
// again, and no pod waits for it.

import type { Pod, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import type { HostPort } from "../model/hostPort.ts";
import type { Cidr, InterfaceAddress } from "../model/ip.ts";
import type { ManagementAddress, ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { PortState } from "../observe/portStates.ts";
import type { Vip } from "../plan/endpoints.ts";
import type { RefTo } from "../plan/facts.ts";
import type { Floating, FloatingPair, FloatingPod } from "../plan/floating.ts";
import type { Hosts } from "../plan/hosts.ts";
import type { GoneEndpoints } from "../plan/lateFlush.ts";

/**
 * The facts, or why there can be none at the moment, in words for people; then the earlier facts stay. `isUsual` marks
 * a reason that passes by itself and is not reported.
 */
export type Said = readonly Fact[] | NotYet;
export type NotYet = { readonly notNow: string; readonly isUsual?: true };

export interface Cloud {
  /** From this state on, OVN carries a port's packets as soon as its interface is plugged in. */
  readonly carriedFrom: PortState;
  /** The UUID of the router that joins the nodes' switches. */
  router(): RefTo<"Logical_Router"> | NotYet;
  /** Networks of others that the router leads to. */
  networks(): readonly Cidr[];
  /** `zones`: those that nodes are in; undefined among them for nodes in none. */
  clusterFacts(owner: Owner, zones: readonly (string | undefined)[]): Said;
  nodeFacts(owner: Owner, node: ResolvedNode): Said;
  /** The node's own addresses that pods see as others. */
  standIns(node: ResolvedNode): readonly ManagementAddress[];
  /** The pods that policies select alike, by the id of their selection. */
  subjectFacts(owner: Owner, id: string): Said;
  /** `ports` of the node are the pod's alone. */
  hostPortFacts(
    owner: Owner,
    pod: Pod,
    ports: readonly HostPort[],
    addresses: readonly InterfaceAddress[],
    hosts: Hosts,
  ): readonly Fact[];
  serviceFacts(owner: Owner, service: Service, vips: readonly Vip[], hosts: Hosts): Said;
  /** What leads from addresses from outside to the pod and back. */
  floatingFacts(
    owner: Owner,
    floating: Floating,
    pairs: readonly FloatingPair[],
    pod: FloatingPod,
    hosts: Hosts,
  ): Said;
  /** The balancer that flushes connections to endpoints that are gone. */
  lateFlushFacts(owner: Owner, gone: GoneEndpoints): Said;
}
