// A range of Service addresses stays inside the cluster, and a packet to it that no balancer takes goes nowhere.
//
// It is dropped right behind the balancers, before connection tracking commits it: OVN never balances a connection that it
// has committed untranslated, so that a client that is older than its Service would never be served as long as it keeps its port.

import type { Fact } from "../model/fact.ts";
import { type Cidr, contains, formatCidr } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { FactList, mapOf, type RefTo } from "./facts.ts";
import { aclPriority, policyPriority } from "./priorities.ts";

/** The ranges of an object of the API, without those that the configuration has already: the cluster says these. */
export function serviceRangeFacts(
  scope: Scope,
  owner: Owner,
  network: ClusterNetwork,
  ranges: readonly Cidr[],
  router: RefTo<"Logical_Router">,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const isNew = (range: Cidr): boolean =>
    !network.services.some((known) => known.bits <= range.bits && contains(known, range.ip));
  for (const range of ranges.filter(isNew)) keepInside(facts, scope, range, router, owner);
  return facts.facts;
}

/**
 * What a balancer did not turn into an endpoint (a port nobody serves, a connection that outlived its Service) is dropped where it
 * enters. Should it come from somewhere else, it must not leave through a gateway to whoever has that address outside. `by` tells rows apart that several owners have for one range.
 */
export function keepInside(
  facts: FactList,
  scope: Scope,
  services: Cidr,
  router: RefTo<"Logical_Router">,
  by?: Owner,
): void {
  const match = `ip${services.ip.family}.dst == ${formatCidr(services)}`;
  const { serviceEntries } = scope.names;
  facts.member(
    "Port_Group",
    facts.ref("Port_Group", serviceEntries),
    "acls",
    facts.row("ACL", [serviceEntries, ...(by === undefined ? [] : [by]), match].join(" "), {
      direction: "from-lport",
      priority: aclPriority.services,
      match,
      action: "drop",
      options: mapOf({ "apply-after-lb": "true" }),
    }),
  );
  const key = [scope.names.clusterRouter, ...(by === undefined ? [] : [by]), match].join(" ");
  facts.member(
    "Logical_Router",
    router,
    "policies",
    facts.row("Logical_Router_Policy", key, { priority: policyPriority.services, match, action: "drop" }),
  );
}
