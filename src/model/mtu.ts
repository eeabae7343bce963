// How much of a link's MTU is left for pods once their packets are wrapped in Geneve.

import type { Family } from "./ip.ts";

/** Outer IP header, UDP, Geneve, OVN's option, inner Ethernet (RFC 8926, section 3; OVN carries ports in 8 bytes). */
const overheadBytes = { 4: 20 + 8 + 8 + 8 + 14, 6: 40 + 8 + 8 + 8 + 14 } as const;

/** The MTU of a pod's interface when tunnels run over IPv4 or IPv6 on a link of `linkMtuBytes`. */
export const podMtuBytes = (linkMtuBytes: number, underlay: Family): number =>
  linkMtuBytes - overheadBytes[underlay];
