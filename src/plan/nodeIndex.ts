// All nodes as the plan of a Service needs them: in order, and by the addresses they answer on themselves. Built anew
// when a node changes, shared by the plans of all Services.

import { formatIp, type Ip } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";

export class NodeIndex {
  /** By name. */
  readonly nodes: readonly ResolvedNode[];
  /** host address -> node */
  readonly #hosts = new Map<string, ResolvedNode>();

  constructor(nodes: Iterable<ResolvedNode>) {
    this.nodes = [...nodes].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const node of this.nodes) {
      for (const address of node.hostAddresses) this.#hosts.set(formatIp(address), node);
    }
  }

  /** The node that has `address` as its own, if one does. */
  hostOf(address: Ip): ResolvedNode | undefined {
    return this.#hosts.get(formatIp(address));
  }
}
