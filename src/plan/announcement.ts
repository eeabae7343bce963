// Who answers when somebody on the nodes' network asks for the MAC of a Service's address from outside (ARP, RFC 826;
// neighbour discovery, RFC 4861): the gateway router of the node that has been chosen (decide/announcing.ts). OVN
// answers for the addresses of a router's balancers. This one has no ports, so it answers and leads nowhere: whatever
// comes for the address takes the way that it takes at every node. In underlay mode it is the tenant's router, for
// whatever is in a network of its own; the switch that joins it to that network balances.

import type { Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import { formatIp } from "../model/ip.ts";
import { announcersOf, outerIpsOf } from "../model/outerAddresses.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { Vip } from "./endpoints.ts";
import { FactList, mapOf } from "./facts.ts";
import type { Hosts } from "./hosts.ts";

/** One balancer for each node that announces addresses of the Service; none for a node without gateway router. */
export function planAnnouncements(
  facts: FactList,
  { names }: Scope,
  service: Service,
  hosts: Pick<Hosts, "node">,
): void {
  for (const [node, those] of Map.groupBy(announcersOf(service), (one) => one.node)) {
    if (!hosts.node(node)?.shared.length) continue;
    const name = names.announcement(service.namespace, service.name, node);
    const balancer = facts.row("Load_Balancer", name, {
      name,
      vips: new Map(those.map(({ ip }) => [ip, ""])),
      // Also for addresses that are not in the node's network (ovn-nb(5)).
      options: mapOf({ neighbor_responder: "all" }),
    });
    const gateway = facts.ref("Logical_Router", names.gatewayRouter(node));
    facts.member("Logical_Router", gateway, "load_balancer", balancer);
  }
}

/** One balancer, which the tenant's router has by a group, for those addresses from outside that are among `vips`. */
export function answerFacts(
  scope: Scope,
  owner: Owner,
  service: Service,
  vips: readonly Vip[],
): readonly Fact[] {
  const served = new Set(vips.map(({ address }) => formatIp(address.ip)));
  const ips = outerIpsOf(service)
    .map(formatIp)
    .filter((ip) => served.has(ip));
  if (ips.length === 0) return [];
  const facts = new FactList(scope, owner);
  const name = scope.names.answer(service.namespace, service.name);
  const balancer = facts.row("Load_Balancer", name, {
    name,
    vips: new Map(ips.map((ip) => [ip, ""])),
    options: mapOf({ neighbor_responder: "reachable" }),
  });
  const group = facts.ref("Load_Balancer_Group", scope.names.answers);
  facts.member("Load_Balancer_Group", group, "load_balancer", balancer);
  return facts.facts;
}
