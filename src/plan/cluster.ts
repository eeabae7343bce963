// The facts that exist once per cluster: its distributed router, the join switch where the gateway routers meet it, and
// the group of load balancers that every node switch applies.

import type { Fact } from "../model/fact.ts";
import { formatCidr, type InterfaceAddress } from "../model/ip.ts";
import { macOfFirst } from "../model/mac.ts";
import { type ClusterNetwork, routerJoinOf, within } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { FactList, mapOf } from "./facts.ts";
import { planPathMtu } from "./pathMtu.ts";
import { keepInside, keptInside } from "./serviceRange.ts";

/** `zones`: those that nodes are in; undefined among them for nodes in none. */
export function clusterFacts(
  scope: Scope,
  owner: Owner,
  network: ClusterNetwork,
  zones: readonly (string | undefined)[],
): readonly Fact[] {
  const { names } = scope;
  const facts = new FactList(scope, owner);
  const router = facts.row("Logical_Router", names.clusterRouter, {
    name: names.clusterRouter,
    // All its neighbours are known. Learning from other requests would only fill the southbound database.
    options: mapOf({ always_learn_from_arp_request: "false" }),
  });
  facts.member(
    "Logical_Router",
    router,
    "ports",
    facts.row("Logical_Router_Port", names.routerToJoin, {
      name: names.routerToJoin,
      mac: routerJoinMac(network),
      networks: routerJoinAddresses(network).map(formatCidr),
    }),
  );
  const join = facts.row("Logical_Switch", names.joinSwitch, { name: names.joinSwitch });
  facts.member(
    "Logical_Switch",
    join,
    "ports",
    facts.row(
      "Logical_Switch_Port",
      names.joinToRouter,
      routerAttachment(names.joinToRouter, names.routerToJoin),
    ),
  );
  facts.row("Load_Balancer_Group", names.serviceGroup, { name: names.serviceGroup });
  planZones(facts, scope, zones);
  facts.row("Port_Group", names.serviceEntries, { name: names.serviceEntries });
  facts.row("Port_Group", names.managementPorts, { name: names.managementPorts });
  planPathMtu(facts, scope, network, router);
  planDirect(facts, scope, network);
  for (const range of keptInside(network)) keepInside(facts, scope, range, router);
  return facts.facts;
}

/** The addresses outside to which gateway routers send pods' packets as they are (gateway.ts). */
function planDirect(facts: FactList, { names }: Scope, { direct }: ClusterNetwork): void {
  for (const [family, ranges] of Map.groupBy(direct, ({ ip }) => ip.family))
    facts.row("Address_Set", names.directSet(family), {
      name: names.directSet(family),
      addresses: ranges.map(formatCidr),
    });
}

/** The groups of balancers that only nodes of one zone apply (near.ts). */
export function planZones(facts: FactList, { names }: Scope, zones: readonly (string | undefined)[]): void {
  for (const name of zones.map(names.zoneGroup)) facts.row("Load_Balancer_Group", name, { name });
}

/** The cluster router's end of the join networks. */
export const routerJoinAddresses = (network: ClusterNetwork): readonly InterfaceAddress[] =>
  network.join.map((join) => within(join, routerJoinOf(join)));

export const routerJoinMac = (network: ClusterNetwork): string => macOfFirst(routerJoinAddresses(network));

/** A switch port that is one end of a router port. The address `router` makes OVN take the addresses from the router port. */
export const routerAttachment = (name: string, routerPort: string) => ({
  name,
  type: "router",
  addresses: ["router"],
  options: mapOf({ "router-port": routerPort }),
});
