// The node's own nftables table, as `nft -f` reads it: two translations on the management port, of new connections; replies
// follow by themselves. Balancers send what is meant for this node itself to its management address, and here it becomes
// the address that servers listen on. And what a process of the node sends to pods and Services, from whichever of the
// node's addresses, leaves with the management address, the one that replies find their way back to.
//
// A pod may send any packet to the MAC of the management port, as if the node were its router, and a node that forwards
// (net.ipv4.ip_forward) would pass it on untranslated and past OVN's rules. So nothing that comes in there is forwarded but
// answers and what wayIn/table.ts leads to a Service or a pod, not even packets of a connection that OVN has let the pod open:
// the gateway router tracks those in the kernel's own zone. And nothing but answers reaches the loopback addresses, which
// route_localnet opens. Nor does the node believe a pod that some path takes only small packets: the cluster's router drops
// such messages (plan/pathMtu.ts), but the management port is a pod's neighbour.
//
// Where the node is its pods' gateway, hostGateway.ts opens one way through it.

import { type Cidr, formatCidr, formatIp } from "../../model/ip.ts";
import type { ManagementAddress } from "../../model/network.ts";
import { type HostGateway, hostGatewayChains, keptSourceRules, leaveRules } from "./hostGateway.ts";

/** Of the family inet. */
export const firewallTable = "weft";

/**
 * Replaces the whole table in one step, whether or not it was there. `led` is where ports of the node lead: what a pod sends
 * there goes back where it came from. `gateway`: the node is its pods' gateway.
 */
export function firewall(
  interfaceName: string,
  addresses: readonly ManagementAddress[],
  led: readonly Cidr[],
  gateway?: HostGateway,
): string {
  const lines = (list: readonly string[], indent = "    "): string =>
    list.map((line) => `${indent}${line}\n`).join("");
  const rules = (rule: (family: string, management: string, host: string) => string): string =>
    addresses
      .map(({ management, host }) =>
        rule(management.family === 4 ? "ip" : "ip6", formatIp(management), formatIp(host)),
      )
      .map((text) => `    ${text}\n`)
      .join("");
  const turned = led.map(
    (range) =>
      `    iifname "${interfaceName}" oifname "${interfaceName}" ct status dnat ${range.ip.family === 4 ? "ip" : "ip6"} daddr ${formatCidr(range)} accept\n`,
  );
  return `table inet ${firewallTable}
delete table inet ${firewallTable}
table inet ${firewallTable} {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${rules((ip, management, host) => `iifname "${interfaceName}" ${ip} daddr ${management} dnat ${ip} to ${host}`)}  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${lines(gateway ? keptSourceRules(interfaceName, gateway) : [])}${rules((ip, management) => `oifname "${interfaceName}" ${ip} saddr != ${management} snat ${ip} to ${management}`)}  }
  chain forward {
    type filter hook forward priority filter; policy accept;
${turned.join("")}${lines(gateway ? leaveRules(interfaceName) : [])}    iifname "${interfaceName}" ct state != { established, related } drop
    iifname "${interfaceName}" ct direction original drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "${interfaceName}" ip daddr 127.0.0.0/8 ct state != { established, related } drop
    iifname "${interfaceName}" ip daddr 127.0.0.0/8 ct direction original drop
    iifname "${interfaceName}" icmp type destination-unreachable icmp code frag-needed drop
    iifname "${interfaceName}" icmpv6 type packet-too-big drop
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifname "${interfaceName}" icmp type redirect drop
    oifname "${interfaceName}" icmpv6 type nd-redirect drop
  }
${lines(gateway ? hostGatewayChains(interfaceName, gateway) : [], "  ")}}
`;
}
