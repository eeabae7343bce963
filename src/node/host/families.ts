// Whether this node can give its pods addresses of the families that the cluster uses.

import { existsSync } from "node:fs";
import type { Cidr } from "../../model/ip.ts";

/** What the families ask of any link (RFC 8200, section 5; RFC 791). */
const least = { 4: 576, 6: 1280 } as const;

/** A kernel that was started with `ipv6.disable=1` has nothing of it. */
export const kernelHasIpv6 = (): boolean => existsSync("/proc/sys/net/ipv6");

export interface Means {
  readonly hasIpv6: boolean;
  /** Name and MTU of the uplink, and how much of that is left for pods. */
  readonly uplink: string;
  readonly linkBytes: number;
  readonly podBytes: number;
}

/** Why pods with addresses in `subnets` cannot work here, and what to do; undefined when they can. */
export function familyTrouble(
  subnets: readonly Cidr[],
  { hasIpv6, uplink, linkBytes, podBytes }: Means,
): string | undefined {
  const families = subnets.map(({ ip }) => ip.family);
  if (families.includes(6) && !hasIpv6) {
    return "the kernel of this node has no IPv6, but its pods are to have IPv6 addresses: start it without ipv6.disable=1, or give the cluster no IPv6 range";
  }
  const needed = Math.max(...families.map((family) => least[family]));
  if (podBytes >= needed) return undefined;
  const without = needed === least[6] ? ", or give the cluster no IPv6 range" : "";
  return `the MTU of ${uplink} is ${linkBytes} bytes, which leaves ${podBytes} for pods, and IPv${needed === least[6] ? 6 : 4} needs ${needed}: raise it to at least ${linkBytes + needed - podBytes}${without}`;
}
