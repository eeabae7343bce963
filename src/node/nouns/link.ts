// The veth pair that joins a pod to its node, and what the node says about all of them.

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

/** What the node is, as far as pods' links depend on it. Known before the first ADD is let in. */
export interface LinkSettings {
  readonly mtuBytes: number;
  /** Whether pods must compute their own checksums, as with the userspace datapath. */
  readonly ownChecksums: boolean;
}
