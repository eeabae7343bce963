// A node reports its own addresses. Each costs a policy on the router that all nodes share, and so flows on every node.
// So only a limited number of them counts.

import { type Family, formatIp, type Ip } from "../model/ip.ts";
import { hostAddressLimit } from "../model/limits.ts";
import type { ResolvedNode } from "../model/network.ts";

export interface Limited {
  readonly limited: ResolvedNode;
  /** What is beyond the limit, for people; undefined when nothing is. */
  readonly leftOut: string | undefined;
}

/** The node with no more own addresses than count. Those that its gateway router shares always count. */
export function withinHostLimit(node: ResolvedNode): Limited {
  const { gateway, hostAddresses } = node;
  if (hostAddresses.length <= hostAddressLimit) return { limited: node, leftOut: undefined };
  const shared = new Set(gateway?.addresses.map(({ ip }) => formatIp(ip)));
  const left: Record<Family, number> = { 4: hostAddressLimit, 6: hostAddressLimit };
  for (const { ip } of gateway?.addresses ?? []) left[ip.family]--;
  const counts = (ip: Ip): boolean => shared.has(formatIp(ip)) || left[ip.family]-- > 0;
  const limited = { ...node, hostAddresses: hostAddresses.filter(counts) };
  const dropped = hostAddresses.length - limited.hostAddresses.length;
  return {
    limited,
    leftOut:
      dropped === 0
        ? undefined
        : `left out are ${dropped} of its ${hostAddresses.length} own addresses (InternalIP): a node has at most ${hostAddressLimit} of each family`,
  };
}
