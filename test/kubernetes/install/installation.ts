// How Weft, or another network plugin, gets onto a cluster. All else about a cluster is the same, whichever it is.

import type { Role } from "../../../src/check/rights.ts";
import type { Cluster } from "../cluster/cluster.ts";

export interface Installation {
  /** A few words for the progress: what is installed, and how. */
  readonly about: string;
  /** What the nodes are; `underlay`: virtual machines of the sandbox's cloud. */
  readonly mode: "overlay" | "underlay";
  /** What the nodes have before: nothing, Open vSwitch alone, or OVN as well; in underlay mode it is the cloud's. */
  readonly parts: "hosts" | "ovs" | "ovn";
  /** For another plugin than Weft: the range that kube-controller-manager gives nodes their subnets of. */
  readonly podCidr?: string;
  /** Whose accounts are used. */
  readonly roles: readonly Role[];
  /** Returns when everything is on its way; nodes may become ready later. Can be repeated. */
  install(cluster: Cluster, signal: AbortSignal | undefined): Promise<void>;
}
