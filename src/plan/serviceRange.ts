// A range of Service addresses stays inside the cluster, and packets to it that no balancer takes are dropped.
//
// They are dropped right behind the balancers, before connection tracking commits them. OVN never balances a connection
// that it has committed untranslated, so a client that is older than its Service would get no answer for as long as it
// keeps its port.

import type { Fact } from "../model/fact.ts";
import { type Cidr, contains, formatCidr, overlaps, widthOf } from "../model/ip.ts";
import { type ClusterNetwork, networkAround, type ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { innerRange } from "../model/wayIn.ts";
import { FactList, mapOf, type RefTo } from "./facts.ts";
import { aclPriority, policyPriority } from "./priorities.ts";

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
 * Why `ranges` cannot be addresses of Services; undefined when they can. `networks` are those of others that the router
 * leads to: it would drop what is sent to them.
 */
export function rangeProblem(
  network: ClusterNetwork,
  nodes: Iterable<Pick<ResolvedNode, "name" | "hostAddresses" | "gateway">>,
  networks: readonly Cidr[],
  ranges: readonly Cidr[],
): string | undefined {
  const taken: readonly (readonly [string, Cidr])[] = [
    ...network.pods.map(({ cidr }) => ["the pods' range", cidr] as const),
    ...network.join.map((cidr) => ["the range between routers", cidr] as const),
    ...[...nodes].flatMap(({ name, hostAddresses, gateway }) => [
      ...hostAddresses.map(
        (ip) => [`an address of node ${name},`, { ip, bits: widthOf(ip.family) }] as const,
      ),
      ...(gateway?.addresses ?? []).map(
        (address) => [`the network of node ${name},`, networkAround(address)] as const,
      ),
    ]),
    ...networks.map((cidr) => ["a network of the tenant's router,", cidr] as const),
  ];
  for (const range of ranges)
    for (const [what, cidr] of taken)
      if (overlaps(range, cidr)) return `${formatCidr(range)} overlaps ${what} ${formatCidr(cidr)}`;
  return undefined;
}

/** The configured ranges, and those of the way in, which balancers answer at as well. */
export const keptInside = ({ services, families }: ClusterNetwork): readonly Cidr[] => [
  ...services,
  ...families.map(innerRange),
];

/**
 * Packets that no balancer turned into packets for an endpoint (nobody serves the port, or a connection outlived its
 * Service) are dropped where they enter. Those that enter elsewhere must not leave through a gateway to the real holder of
 * that address outside. `by` tells apart the rows that several owners have for one range.
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
