// Closed ports: what keeps a pod's packets back until it is known which policies select it. Two address sets of the
// node's own name the addresses; ACLs on the node's switch drop what comes from them and what goes to them. To open a
// port is to take its address out of a set, the cheapest change that OVN has. Neighbour discovery passes: without it
// a port that opens would be a second late.

import type { Family } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import type { FactList, RefTo } from "./facts.ts";
import { aclPriority } from "./policy.ts";
import type { Scope } from "./scope.ts";

const exceptNeighbours: Readonly<Record<Family, string>> = { 4: "", 6: " && !nd && !nd_rs && !nd_ra" };

/** The sets, empty, and the ACLs on the node's switch that read them. */
export function planClosed(facts: FactList, { names }: Scope, node: ResolvedNode): void {
  const nodeSwitch = facts.ref("Logical_Switch", names.nodeSwitch(node.name));
  for (const { family } of node.subnets.map(({ ip }) => ip)) {
    const set = names.closedSet(node.name, family);
    facts.row("Address_Set", set, { name: set });
    for (const [direction, end] of [
      ["from-lport", "src"],
      ["to-lport", "dst"],
    ] as const) {
      const acl = facts.row("ACL", `${set} ${direction}`, {
        direction,
        priority: aclPriority.closed,
        match: `ip${family}.${end} == $${set}${exceptNeighbours[family]}`,
        action: "drop",
      });
      facts.member("Logical_Switch", nodeSwitch, "acls", acl);
    }
  }
}

/** The row of a node's set of closed addresses. */
export const closedSetRef = (
  facts: FactList,
  { names }: Scope,
  node: string,
  family: Family,
): RefTo<"Address_Set"> => facts.ref("Address_Set", names.closedSet(node, family));
