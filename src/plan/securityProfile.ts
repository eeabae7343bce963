// The facts of the machines that have a security profile: they are in the same groups as its pods, the port group, where the
// profile's rules hold at a machine's own port, and the address sets, by which the rules of others know them. The rows of
// machines' ports belong to others; a group only refers to them.
//
// Each profile has a row, even if it is only a name: whoever has rows is asked for by name when a list leaves it out. Otherwise
// its pods would be closed, as those of a profile that does not exist.

import type { Fact } from "../model/fact.ts";
import { type Cidr, formatCidr, formatIp, widthOf } from "../model/ip.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { FactList, type RefTo } from "./facts.ts";
import { aclPriority } from "./priorities.ts";

export interface ProfileMachines {
  readonly addresses: readonly Cidr[];
  readonly ports: readonly RefTo<"Logical_Switch_Port">[];
}

/** `id`: of the group of those who have the profile. `hasRules`: somebody's packets are judged, so that the port group exists. */
export function profileMachineFacts(
  scope: Scope,
  owner: Owner,
  id: string,
  { addresses, ports }: ProfileMachines,
  hasRules: boolean,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const mark = scope.names.profile(id);
  facts.row("Address_Set", mark, { name: mark, addresses: [] });
  for (const range of addresses) {
    const set = facts.ref("Address_Set", scope.names.peers(id, range.ip.family));
    facts.member("Address_Set", set, "addresses", memberOf(range));
  }
  if (!hasRules || ports.length === 0) return facts.facts;
  const name = scope.names.subjects(id);
  const group = facts.ref("Port_Group", name);
  for (const port of ports) facts.member("Port_Group", group, "ports", port);
  // A machine that asks for its address has none yet.
  const asks = "((udp.src == 68 && udp.dst == 67) || (udp.src == 546 && udp.dst == 547))";
  const acl = facts.row("ACL", `${owner} dhcp`, {
    direction: "from-lport",
    priority: aclPriority.always,
    match: `inport == @${name} && ${asks}`,
    action: "allow",
  });
  facts.member("Port_Group", group, "acls", acl);
  return facts.facts;
}

const memberOf = (range: Cidr): string =>
  range.bits === widthOf(range.ip.family) ? formatIp(range.ip) : formatCidr(range);
