// The node's own nftables table, as `nft -f` reads it: two translations on the management port.
// A Service whose endpoint is this node itself is balanced to the management address, since OVN cannot send to an
// address outside of its switch; from there it goes to the address servers listen on. And what a process of the node
// sends to pods from another of the node's addresses gets the one that replies find their way back to.

import { formatIp, type Ip } from "../../model/ip.ts";

export interface ManagementAddress {
  /** On the management port. */
  readonly management: Ip;
  /** The node's own address of the same family on its uplink. */
  readonly node: Ip;
}

/** Replaces the whole table in one step, whether or not it was there. */
export function firewall(interfaceName: string, addresses: readonly ManagementAddress[]): string {
  const rules = (rule: (family: string, management: string, node: string) => string): string =>
    addresses
      .map(({ management, node }) =>
        rule(management.family === 4 ? "ip" : "ip6", formatIp(management), formatIp(node)),
      )
      .map((text) => `    ${text}\n`)
      .join("");
  return `table inet weft
delete table inet weft
table inet weft {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${rules((ip, management, node) => `iifname "${interfaceName}" ${ip} daddr ${management} dnat ${ip} to ${node}`)}  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${rules((ip, management, node) => `oifname "${interfaceName}" ${ip} saddr ${node} snat ${ip} to ${management}`)}  }
}
`;
}
