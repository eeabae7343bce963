// Keeps pods from telling nodes that a path takes only small packets. A pod's packets leave with its node's address, so
// another node that gets such a message ("fragmentation needed", "packet too big") applies it to that whole node: for
// ten minutes it sends the node only small packets, and the tunnels between the two shrink. OVN itself sends no such
// messages, since pods take packets as large as their node's network does (node/nouns/link.ts). Those of real routers
// reach pods and nodes.

import { type Family, formatIp } from "../model/ip.ts";
import { type ClusterNetwork, managementOf, type ResolvedNode } from "../model/network.ts";
import type { Scope } from "../model/scope.ts";
import type { FactList, RefTo } from "./facts.ts";
import { policyPriority } from "./priorities.ts";

/** RFC 1191 and RFC 8201. */
const tooBig: Readonly<Record<Family, string>> = {
  4: "icmp4.type == 3 && icmp4.code == 4",
  6: "icmp6.type == 2",
};

/** One set of addresses for each family, because a match compares addresses of one family. */
export function planPathMtu(
  facts: FactList,
  { names }: Scope,
  { families }: ClusterNetwork,
  router: RefTo<"Logical_Router">,
): void {
  for (const family of families) {
    const set = names.hostSet(family);
    facts.row("Address_Set", set, { name: set });
    const match = `${tooBig[family]} && ip${family}.dst == $${set}`;
    const key = `${names.clusterRouter} ${match}`;
    const policy = facts.row("Logical_Router_Policy", key, {
      priority: policyPriority.pathMtu,
      match,
      action: "drop",
    });
    facts.member("Logical_Router", router, "policies", policy);
  }
}

/**
 * The node's addresses join the sets, and so do those of its management port: the kernel accepts such a message at any
 * of its addresses.
 */
export function planHostAddresses(facts: FactList, { names }: Scope, node: ResolvedNode): void {
  const families = node.subnets.map(({ ip }) => ip.family);
  const hosts = node.hostAddresses.filter(({ family }) => families.includes(family));
  for (const ip of [...hosts, ...node.subnets.map(managementOf)])
    facts.member(
      "Address_Set",
      facts.ref("Address_Set", names.hostSet(ip.family)),
      "addresses",
      formatIp(ip),
    );
}
