// Closed ports: what keeps a pod's packets back until it is known which policies select it. An address set of the node's
// own names their MACs; ACLs on the node's switch drop whatever IP comes from or goes to one of them. To open a port is
// to take its MAC out of the set, the cheapest change that OVN has.
//
// By MAC, since a pod has more addresses than it was given: a link-local one that it makes itself, and none at all when it asks
// for one. Port security lets it use those, and its MAC is with all of them. Neighbour discovery passes: without it a
// port that opens would be a second late. It has an ACL of its own, since OVN reads `!nd` as "another sort of ICMPv6".

import type { ResolvedNode } from "../model/network.ts";
import type { Scope } from "../model/scope.ts";
import type { FactList, RefTo } from "./facts.ts";
import { aclPriority } from "./priorities.ts";

/** The set, empty, and the ACLs on the node's switch that read it. */
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

/** The row of a node's set of closed ports. */
export const closedSetRef = (facts: FactList, { names }: Scope, node: string): RefTo<"Address_Set"> =>
  facts.ref("Address_Set", names.closedSet(node));
