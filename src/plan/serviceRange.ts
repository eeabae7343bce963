// A range of Service addresses stays inside the cluster.

import type { Fact } from "../model/fact.ts";
import { type Cidr, contains, formatCidr } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { FactList, type RefTo } from "./facts.ts";
import { policyPriority } from "./priorities.ts";

/** The ranges of an API object, except the configured ones, which the cluster states itself. */
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
 * Packets that no balancer turned into packets for an endpoint (nobody serves the port, or a connection outlived its
 * Service) must not leave through a gateway to the real holder of that address outside. `by` tells apart the rows that
 * several owners have for one range.
 */
export function keepInside(
  facts: FactList,
  scope: Scope,
  services: Cidr,
  router: RefTo<"Logical_Router">,
  by?: Owner,
): void {
  const match = `ip${services.ip.family}.dst == ${formatCidr(services)}`;
  const key = [scope.names.clusterRouter, ...(by === undefined ? [] : [by]), match].join(" ");
  facts.member(
    "Logical_Router",
    router,
    "policies",
    facts.row("Logical_Router_Policy", key, { priority: policyPriority.services, match, action: "drop" }),
  );
}
