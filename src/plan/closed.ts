// Closed ports: a pod's packets are held back until it is known which policies select the pod. An address set per node
// holds the MACs of its closed ports; ACLs on the node's switch drop all IP packets from and to them. Opening a port
// means taking its MAC out of the set, which is the cheapest change in OVN.
//
// The ACLs match MACs because a pod uses more addresses than it was given: it makes a link-local one by itself, and has
// none at all while it asks for one. Port security permits those, always with the pod's MAC. Neighbour discovery
// passes, because without it a port that opens would be a second late. It has an ACL of its own, because OVN reads
// `!nd` as "another kind of ICMPv6".

import type { ResolvedNode } from "../model/network.ts";
import type { Scope } from "../model/scope.ts";
import type { FactList, RefTo } from "./facts.ts";
import { aclPriority } from "./priorities.ts";

/** The empty set, and the ACLs on the node's switch that read it. */
export function planClosed(facts: FactList, { names }: Scope, node: ResolvedNode): void {
  const nodeSwitch = facts.ref("Logical_Switch", names.nodeSwitch(node.name));
  const set = names.closedSet(node.name);
  facts.row("Address_Set", set, { name: set });
  for (const [direction, end] of [
    ["from-lport", "src"],
    ["to-lport", "dst"],
  ] as const) {
    for (const [what, action, priority] of [
      ["nd", "allow", aclPriority.neighbours],
      ["ip", "drop", aclPriority.closed],
    ] as const) {
      const match = `eth.${end} == $${set} && ${what}`;
      const acl = facts.row("ACL", `${set} ${direction} ${what}`, { direction, priority, match, action });
      facts.member("Logical_Switch", nodeSwitch, "acls", acl);
    }
  }
}

/** The row of the node's set of closed ports. */
export const closedSetRef = (facts: FactList, { names }: Scope, node: string): RefTo<"Address_Set"> =>
  facts.ref("Address_Set", names.closedSet(node));
