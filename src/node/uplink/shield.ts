// With the kernel datapath, what arrives on a port of Open vSwitch is Open vSwitch's alone. The userspace datapath gets a
// copy of each packet, and the kernel's own stack keeps the other one and answers it, too. So what arrives on the uplink is
// dropped before that stack sees it.

export const shieldTable = "weft-uplink";

/** As `nft -f` reads it; replaces what is there. */
export const shield = (uplink: string, table = shieldTable): string => `table netdev ${table}
delete table netdev ${table}
table netdev ${table} {
  chain uplink {
    type filter hook ingress device "${uplink}" priority 0; policy drop;
  }
}
`;
