// The veth pair that joins a pod to its node, and the settings that all of a node's pairs share.

import type { PodNetwork } from "../../model/network.ts";

export interface PodLink {
  /** Name of the end in the node's namespace. */
  readonly hostInterface: string;
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** Name of the end in the pod. */
  readonly ifname: string;
  readonly mtuBytes: number;
  readonly network: PodNetwork;
}

/** Properties of the node that pod links depend on. Known before the first ADD is accepted. */
export interface LinkSettings {
  readonly mtuBytes: number;
  /** Whether pods must compute their own checksums, as in the userspace datapath. */
  readonly ownChecksums: boolean;
}
