// The node's own nftables table, in the format of `nft -f`: two translations on the management port. OVN cannot send
// to an address outside its switch, so a Service whose endpoint is this node is balanced to the management address;
// from there the first rule sends it to the address that servers listen on. When a process on the node sends to pods
// from another of the node's addresses, the second rule gives its packets the management address, so that replies
// find their way back.

import { formatIp, type Ip } from "../../model/ip.ts";

export interface ManagementAddress {
  /** The node's address on the management port. */
  readonly management: Ip;
  /** The node's address on its uplink, in the same family. */
  readonly node: Ip;
}

/** Replaces the whole table in one step, whether or not it existed. */
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
