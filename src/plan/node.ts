// The facts of a node: its switch with the router's port and the node's own management port. Once the node's agent has
// reported how the node reaches the outside, gateway.ts adds to them.

import type { Fact } from "../model/fact.ts";
import { formatCidr, formatIp, type Ip } from "../model/ip.ts";
import { macOfFirst } from "../model/mac.ts";
import { controlPlaneKey, hostAddressesKey, zoneKey } from "../model/names.ts";
import {
  type ClusterNetwork,
  gatewayOf,
  managementOf,
  ofFamily,
  type ResolvedNode,
  within,
} from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { planClosed } from "./closed.ts";
import { routerAttachment } from "./cluster.ts";
import { FactList, mapOf, type RefTo } from "./facts.ts";
import { planGateway } from "./gateway.ts";
import { planOwnNode } from "./ownNode.ts";
import { planHostAddresses } from "./pathMtu.ts";
import { policyPriority } from "./priorities.ts";

/** `hasPool`: the node keeps ready ports, some of them closed. */
export function nodeFacts(
  scope: Scope,
  owner: Owner,
  network: ClusterNetwork,
  node: ResolvedNode,
  hasPool: boolean,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  planSwitch(facts, scope, node, facts.ref("Logical_Router", scope.names.clusterRouter));
  if (hasPool) planClosed(facts, scope, node);
  planManagementPort(facts, scope, node);
  planOwnNode(facts, scope, node);
  planHostAddresses(facts, scope, node);
  for (const address of node.hostAddresses) planWayToHost(facts, scope, node, address);
  planGateway(facts, scope, network, node);
  return facts.facts;
}

/** The node's switch, and its way to `router`. */
export function planSwitch(
  facts: FactList,
  { names }: Scope,
  node: ResolvedNode,
  router: RefTo<"Logical_Router">,
): void {
  const addresses = node.subnets.map((subnet) => within(subnet, gatewayOf(subnet)));
  const routerPort = facts.row("Logical_Router_Port", names.routerToSwitch(node.name), {
    name: names.routerToSwitch(node.name),
    mac: macOfFirst(addresses),
    networks: addresses.map(formatCidr),
    external_ids: mapOf({ [zoneKey]: node.zone }),
  });
  facts.member("Logical_Router", router, "ports", routerPort);

  const name = names.nodeSwitch(node.name);
  const nodeSwitch = facts.row("Logical_Switch", name, { name });
  const group = facts.ref("Load_Balancer_Group", names.serviceGroup);
  facts.member("Logical_Switch", nodeSwitch, "load_balancer_group", group);
  const ofZone = facts.ref("Load_Balancer_Group", names.zoneGroup(node.zone));
  facts.member("Logical_Switch", nodeSwitch, "load_balancer_group", ofZone);

  const port = names.switchToRouter(node.name);
  const attachment = routerAttachment(port, names.routerToSwitch(node.name));
  const toRouter = facts.row("Logical_Switch_Port", port, attachment);
  facts.member("Logical_Switch", nodeSwitch, "ports", toRouter);
  facts.member("Port_Group", facts.ref("Port_Group", names.serviceEntries), "ports", toRouter);
}

/**
 * The node's own port on its switch. It has no port security: when a pod asks for the node's address, the node's answer
 * carries that address as its source.
 */
function planManagementPort(facts: FactList, { names }: Scope, node: ResolvedNode): void {
  const addresses = node.subnets.map((subnet) => within(subnet, managementOf(subnet)));
  const name = names.managementPort(node.name);
  const port = facts.row("Logical_Switch_Port", name, {
    name,
    addresses: [[macOfFirst(addresses), ...addresses.map(({ ip }) => formatIp(ip))].join(" ")],
    options: mapOf({ "requested-chassis": node.chassisId }),
    external_ids: mapOf({
      [hostAddressesKey]: node.hostAddresses.map(formatIp).join() || undefined,
      [controlPlaneKey]: node.isControlPlane && "true",
    }),
  });
  const nodeSwitch = facts.ref("Logical_Switch", names.nodeSwitch(node.name));
  facts.member("Logical_Switch", nodeSwitch, "ports", port);
  facts.member("Port_Group", facts.ref("Port_Group", names.managementPorts), "ports", port);
}

/**
 * A pod's packets to its own node must not go through the gateway: the gateway router has the same address and would
 * answer them. Pods of other nodes come from outside, through their own gateway.
 */
function planWayToHost(facts: FactList, { names }: Scope, node: ResolvedNode, address: Ip): void {
  const subnet = ofFamily(node.subnets, address.family);
  if (!subnet) return;
  const match = `inport == "${names.routerToSwitch(node.name)}" && ip${address.family}.dst == ${formatIp(address)}`;
  const policy = facts.row("Logical_Router_Policy", `${names.clusterRouter} ${match}`, {
    priority: policyPriority.ownNode,
    match,
    action: "reroute",
    nexthops: [formatIp(managementOf(subnet))],
  });
  facts.member("Logical_Router", facts.ref("Logical_Router", names.clusterRouter), "policies", policy);
}
