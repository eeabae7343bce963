// The facts of the groups that policies speak of, and of the memberships of pods and nodes in them.

import type { Fact } from "../model/fact.ts";
import { formatIp, type Ip } from "../model/ip.ts";
import { hairpinAddresses } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { Membership } from "../select/groups.ts";
import { FactList, mapOf } from "./facts.ts";
import { type AclAction, aclPriority } from "./priorities.ts";
import { sides } from "./sides.ts";

/** ACLs that look at a packet before or behind the balancers; policies are about where it really goes. */
export const afterBalancers = mapOf({ "apply-after-lb": "true" });

const families = [4, 6] as const;

/**
 * The port group of the pods that policies select, and what no policy forbids them: neighbour discovery, and a pod's
 * connection to itself by its Service, which comes back from the balancers' hairpin address. `ownNode` matches what the
 * pods' own node sends; undefined where the node's switch has an ACL of its own for that (tenant.ts).
 */
export function subjectFacts(
  scope: Scope,
  owner: Owner,
  id: string,
  ownNode: string | undefined,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const name = scope.names.subjects(id);
  const group = facts.row("Port_Group", name, { name });
  const allow = (direction: "from-lport" | "to-lport", what: string, action: AclAction): void => {
    const end = direction === "from-lport" ? "inport" : "outport";
    const match = `${end} == @${name} && ${what}`;
    const acl = facts.row("ACL", `${direction} ${match}`, {
      direction,
      priority: aclPriority.always,
      match,
      action,
      ...(direction === "from-lport" && { options: afterBalancers }),
    });
    facts.member("Port_Group", group, "acls", acl);
  };
  const neighbours = "(nd || nd_rs || nd_ra)";
  allow("from-lport", neighbours, "allow");
  allow("to-lport", neighbours, "allow");
  const [four, six] = hairpinAddresses;
  // Such a packet comes back to the port that it left from, so it cannot have entered anywhere else.
  const itself = `inport == @${name} && (ip4.src == ${four} || ip6.src == ${six})`;
  allow("to-lport", itself, "allow-related");
  if (ownNode !== undefined) allow("to-lport", ownNode, "allow-related");
  return facts.facts;
}

/** Closes the pods of a group to all but what no policy forbids, and what policies of the tier Admin accept. */
export function closingFacts(scope: Scope, owner: Owner, id: string): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const name = scope.names.subjects(id);
  for (const way of ["ingress", "egress"] as const) {
    const { direction, own } = sides[way];
    const acl = facts.row("ACL", `closed ${direction} ${name}`, {
      name: `profile refused:${way}`,
      direction,
      priority: aclPriority.refusedProfile,
      match: `${own} == @${name} && ip`,
      action: "drop",
      ...(way === "egress" && { options: afterBalancers }),
    });
    facts.member("Port_Group", facts.ref("Port_Group", name), "acls", acl);
  }
  return facts.facts;
}

/** The address sets of the pods that rules of policies name. */
export function peerFacts(scope: Scope, owner: Owner, id: string): readonly Fact[] {
  const facts = new FactList(scope, owner);
  for (const family of families) {
    const name = scope.names.peers(id, family);
    facts.row("Address_Set", name, { name });
  }
  return facts.facts;
}

/** The address sets of the nodes that rules of policies mean, by an address or by their labels. */
export function blockFacts(scope: Scope, owner: Owner, id: string): readonly Fact[] {
  const facts = new FactList(scope, owner);
  for (const family of families) {
    const name = scope.names.nodesIn(id, family);
    facts.row("Address_Set", name, { name });
  }
  return facts.facts;
}

/** The address sets of a domain name, with the addresses that it has now. */
export function namedFacts(scope: Scope, owner: Owner, id: string, addresses: Iterable<Ip>): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const sets = families.map((family) => {
    const name = scope.names.named(id, family);
    return [family, facts.row("Address_Set", name, { name })] as const;
  });
  const setOf = new Map(sets);
  for (const ip of addresses) {
    const set = setOf.get(ip.family);
    if (set) facts.member("Address_Set", set, "addresses", formatIp(ip));
  }
  return facts.facts;
}

/** The memberships of these addresses of a node in these groups. */
export function nodeMembershipFacts(
  scope: Scope,
  owner: Owner,
  memberships: readonly Omit<Membership, "port">[],
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  for (const { id, addresses } of memberships)
    for (const ip of addresses) {
      const set = facts.ref("Address_Set", scope.names.nodesIn(id, ip.family));
      facts.member("Address_Set", set, "addresses", formatIp(ip));
    }
  return facts.facts;
}

/** The pod's memberships in these groups. They are stated with its port, so that it never has a port without its policies. */
export function membershipFacts(
  scope: Scope,
  owner: Owner,
  subjects: readonly Membership[],
  peers: readonly Membership[],
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  for (const { port, id } of subjects) {
    const ofPod = facts.ref("Logical_Switch_Port", port);
    facts.member("Port_Group", facts.ref("Port_Group", scope.names.subjects(id)), "ports", ofPod);
  }
  for (const { id, addresses } of peers)
    for (const ip of addresses) {
      const set = facts.ref("Address_Set", scope.names.peers(id, ip.family));
      facts.member("Address_Set", set, "addresses", formatIp(ip));
    }
  return facts.facts;
}
