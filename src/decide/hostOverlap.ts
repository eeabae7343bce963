// A node whose own addresses lie in the cluster's ranges could no longer reach its own network.

import { formatCidr, overlaps, widthOf } from "../model/ip.ts";
import { type ClusterNetwork, networkAround, type ResolvedNode } from "../model/network.ts";

/** Why the node cannot join the network: its own addresses lie in the cluster's ranges. Undefined when they do not. */
export function hostOverlap(
  network: ClusterNetwork,
  node: Pick<ResolvedNode, "gateway" | "hostAddresses">,
): string | undefined {
  const ranges = [...network.pods.map(({ cidr }) => cidr), ...network.services, ...network.join];
  const hosts = [
    ...(node.gateway?.addresses.map(networkAround) ?? []),
    ...node.hostAddresses.map((ip) => ({ ip, bits: widthOf(ip.family) })),
  ];
  for (const host of hosts) {
    const range = ranges.find((candidate) => overlaps(candidate, host));
    if (range) {
      return `its own network ${formatCidr(host)} overlaps the cluster's range ${formatCidr(range)}; one of them must move`;
    }
  }
  return undefined;
}
