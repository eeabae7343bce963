// How the overlay's switches recognise what a pod's own node sends, which no policy forbids. A node sends to a pod by its
// management port. But what a balancer has turned into a packet for a pod was addressed to the router, and comes back to
// the node's switch by the router's port, like the packets of other nodes and those from outside. Its source proves
// nothing there: other nodes' management ports have no port security, and a gateway lets in any source.
//
// So the router marks it where it comes in from that very switch. There, port security leaves the management port alone
// with this source. A mark does not pass a tunnel, a gateway has no policies, and a packet from a pod's namespace has none.
// Only packets to the node's own pods get it, since a tunnel takes the route that its packet's mark chooses.

import { formatCidr, formatIp } from "../model/ip.ts";
import type { Names } from "../model/names.ts";
import { managementOf, type ResolvedNode } from "../model/network.ts";
import type { Scope } from "../model/scope.ts";
import { type FactList, mapOf } from "./facts.ts";
import { policyPriority } from "./priorities.ts";

/** Any number that nobody else marks packets with: "weft" in ASCII. */
const mark = 0x77_65_66_74;

/** Matches, on its switch, what the node sends. */
export const fromOwnNode = ({ managementPorts }: Names): string =>
  `(inport == @${managementPorts} || pkt.mark == ${mark})`;

/** On the cluster router: marks what the node has sent to the router and the router sends back to pods of the node. */
export function planOwnNode(facts: FactList, { names }: Scope, node: ResolvedNode): void {
  for (const subnet of node.subnets) {
    const ip = `ip${subnet.ip.family}`;
    const management = formatIp(managementOf(subnet));
    const match = `inport == "${names.routerToSwitch(node.name)}" && ${ip}.src == ${management} && ${ip}.dst == ${formatCidr(subnet)}`;
    const policy = facts.row("Logical_Router_Policy", `${names.clusterRouter} ${match}`, {
      priority: policyPriority.fromOwnNode,
      match,
      action: "allow",
      options: mapOf({ pkt_mark: String(mark) }),
    });
    facts.member("Logical_Router", facts.ref("Logical_Router", names.clusterRouter), "policies", policy);
  }
}
