// The facts of a cluster whose nodes are a cloud's virtual machines. It only makes its nodes' switches and its
// balancers, and joins them to the router that the cloud's tenant already has. So pods, virtual machines and physical
// machines reach each other at their own addresses, and traffic leaves by the tenant's way out.
//
// Services are balanced on every switch where packets for them enter: the nodes' own, and the tenant's that the router
// joins. The router itself does not balance: it would translate again what a switch has translated already, and Open
// vSwitch 3.1 does not survive that (docs/decisions/0016).

import type { Fact } from "../model/fact.ts";
import { formatIp } from "../model/ip.ts";
import type { ClusterNetwork, ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { Tenant } from "../observe/tenant.ts";
import { planClosed } from "./closed.ts";
import { planZones } from "./cluster.ts";
import { FactList } from "./facts.ts";
import { planSwitch } from "./node.ts";
import { aclPriority } from "./priorities.ts";
import { keepInside, keptInside } from "./serviceRange.ts";

export function tenantFacts(
  scope: Scope,
  owner: Owner,
  network: ClusterNetwork,
  tenant: Tenant,
  zones: readonly (string | undefined)[],
): readonly Fact[] {
  const { names } = scope;
  const facts = new FactList(scope, owner);
  planZones(facts, scope, zones);
  const group = facts.row("Load_Balancer_Group", names.serviceGroup, { name: names.serviceGroup });
  const elsewhere = facts.row("Load_Balancer_Group", names.machineGroup, { name: names.machineGroup });
  for (const ofMachines of tenant.switches)
    for (const one of [group, elsewhere])
      facts.member("Logical_Switch", ofMachines, "load_balancer_group", one);
  const floating = facts.row("Load_Balancer_Group", names.floatingGroup, { name: names.floatingGroup });
  const outside = new Set(tenant.gateways.flatMap(({ switches }) => switches));
  for (const ofMachines of tenant.switches.filter((one) => !outside.has(one)))
    facts.member("Logical_Switch", ofMachines, "load_balancer_group", floating);
  const answers = facts.row("Load_Balancer_Group", names.answers, { name: names.answers });
  facts.member("Logical_Router", tenant.router, "load_balancer_group", answers);
  const entries = facts.row("Port_Group", names.serviceEntries, { name: names.serviceEntries });
  for (const port of tenant.routerPorts) facts.member("Port_Group", entries, "ports", port);
  for (const range of keptInside(network)) keepInside(facts, scope, range, tenant.router);
  return facts.facts;
}

export function virtualNodeFacts(
  scope: Scope,
  owner: Owner,
  node: ResolvedNode,
  tenant: Tenant,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  planSwitch(facts, scope, node, tenant.router);
  planClosed(facts, scope, node);
  planOwnNode(facts, scope, node);
  const { nodeSwitch, floatingGroup } = scope.names;
  facts.member(
    "Logical_Switch",
    facts.ref("Logical_Switch", nodeSwitch(node.name)),
    "load_balancer_group",
    facts.ref("Load_Balancer_Group", floatingGroup),
  );
  return facts.facts;
}

/**
 * No policy forbids what a pod's own machine sends. The machine is on another network, so it is recognised by its
 * address, which the hypervisor lets nobody else use. The ACL starts no connection tracking on a switch that has none.
 */
function planOwnNode(facts: FactList, { names }: Scope, node: ResolvedNode): void {
  const nodeSwitch = facts.ref("Logical_Switch", names.nodeSwitch(node.name));
  for (const family of [4, 6] as const) {
    const addresses = node.hostAddresses.filter((ip) => ip.family === family).map(formatIp);
    if (addresses.length === 0) continue;
    const acl = facts.row("ACL", `${names.nodeSwitch(node.name)} own node ip${family}`, {
      direction: "to-lport",
      priority: aclPriority.always,
      match: `ip${family}.src == {${addresses.toSorted().join(", ")}}`,
      action: "allow",
    });
    facts.member("Logical_Switch", nodeSwitch, "acls", acl);
  }
}
