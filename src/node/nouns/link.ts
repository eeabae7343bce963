// The veth pair that joins a pod to its node, and the settings that all of a node's pairs share.

import type { PodNetwork } from "../../model/network.ts";

export interface PodLink {
  /** Name of the end in the node's namespace. */
  readonly hostInterface: string;
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** Name of the end in the pod. */
  readonly ifname: string;
  readonly mtu: PodMtu;
  readonly network: PodNetwork;
}

/**
 * How large a pod's packets may be. Packets from outside through the node's own gateway have been in no tunnel and are
 * as large as the node's network allows. If the pod could not take them, their senders would have to be told, and would
 * apply that to the node, whose address the pod's packets have. What the pod sends may have to fit into a tunnel.
 */
export interface PodMtu {
  /** What the interface takes: as much as the node's uplink. */
  readonly linkBytes: number;
  /** What the routes let out. */
  readonly routeBytes: number;
}

/** Properties of the node that pod links depend on. Known before the first ADD is accepted. */
export interface LinkSettings {
  readonly mtu: PodMtu;
  /** Whether pods must compute their own checksums, as in the userspace datapath. */
  readonly ownChecksums: boolean;
}
