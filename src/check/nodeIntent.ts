// What the node will be used for: everything that its check has to know besides the node itself.

import type { ClusterNetwork } from "../model/network.ts";

export interface NodeIntent {
  readonly mode: "overlay" | "underlay";
  readonly network: ClusterNetwork;
  /** The cluster's id in OVN. */
  readonly cluster: string;
  /** The southbound database that the agent is to use, if it is known. */
  readonly southbound: string | undefined;
  /** Whether OVN's databases are to run on this machine. */
  readonly central: boolean;
  readonly cniConfDirectory: string;
}
