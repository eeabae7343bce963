// A node's way out of the cluster: a gateway router bound to the node, which shares the node's address and MAC, and the
// external switch that joins it to the node's bridge.
//
// The path of a pod's packet: node switch ▶ cluster router ▶ (route by source) join switch ▶ gateway router, SNAT ▶
// external switch. On a node that is itself its pods' gateway, the route by source leads to the management port instead, and the
// host does the rest (node/host/hostGateway.ts); then the gateway router only answers for addresses from outside.

import { type Cidr, formatCidr, formatIp, type InterfaceAddress, type Ip, widthOf } from "../model/ip.ts";
import { macOfFirst } from "../model/mac.ts";
import { type Names, onNode } from "../model/names.ts";
import {
  type ClusterNetwork,
  type GatewayConfig,
  gatewayJoinOf,
  managementOf,
  ofFamily,
  type ResolvedNode,
  within,
} from "../model/network.ts";
import type { Scope } from "../model/scope.ts";
import { routerAttachment, routerJoinAddresses, routerJoinMac } from "./cluster.ts";
import { type FactList, mapOf, type RefTo } from "./facts.ts";

/** What the steps below have in common: one node's gateway, and the list that its facts go to. */
interface Plan {
  readonly facts: FactList;
  readonly names: Names;
  readonly network: ClusterNetwork;
  readonly node: ResolvedNode;
  readonly gateway: GatewayConfig;
  readonly routerName: string;
  readonly router: RefTo<"Logical_Router">;
}

/** No facts until the node's agent has reported its chassis and how it reaches the outside. */
export function planGateway(
  facts: FactList,
  { names }: Scope,
  network: ClusterNetwork,
  node: ResolvedNode,
): void {
  const { chassisId } = node;
  const gateway = node.gateway && gatewayIn(network, node.gateway);
  if (!gateway || chassisId === undefined) return;
  const routerName = names.gatewayRouter(node.name);
  const router = facts.row("Logical_Router", routerName, {
    name: routerName,
    options: mapOf({
      chassis: chassisId,
      always_learn_from_arp_request: "false",
      // Otherwise every gateway router carries a flow for every other one, and the join switch costs nodes × nodes.
      dynamic_neigh_routers: "true",
      mac_binding_age_threshold: "300",
      // The conntrack zone that the kernel uses for the node's own connections. OVN and the node share an address, and
      // with one table they never choose the same port.
      "snat-ct-zone": "0",
    }),
  });
  const plan: Plan = { facts, names, network, node, gateway, routerName, router };
  planJoin(plan);
  planExternal(plan);
  planSourceNat(plan);
  planRoutesBack(plan);
  planRoutesOut(plan);
}

/** A node may have addresses of a family that the cluster does not use; nothing would be routed there. */
function gatewayIn({ families }: ClusterNetwork, gateway: GatewayConfig): GatewayConfig | undefined {
  const addresses = gateway.addresses.filter(({ ip }) => families.includes(ip.family));
  const nextHops = gateway.nextHops.filter(({ family }) => families.includes(family));
  return addresses.length > 0 ? { ...gateway, addresses, nextHops } : undefined;
}

function planJoin({ facts, names, network, node, router }: Plan): void {
  const addresses = gatewayJoinAddresses(network, node);
  const name = names.gatewayToJoin(node.name);
  const routerPort = facts.row("Logical_Router_Port", name, {
    name,
    mac: macOfFirst(addresses),
    networks: addresses.map(formatCidr),
  });
  facts.member("Logical_Router", router, "ports", routerPort);

  const port = names.joinToGateway(node.name);
  const switchPort = facts.row("Logical_Switch_Port", port, routerAttachment(port, name));
  facts.member("Logical_Switch", facts.ref("Logical_Switch", names.joinSwitch), "ports", switchPort);

  // This is its only neighbour there, so dynamic_neigh_routers costs no ARP and no learnt binding.
  for (const { ip } of routerJoinAddresses(network)) {
    facts.row("Static_MAC_Binding", `${name} ${formatIp(ip)}`, {
      logical_port: name,
      ip: formatIp(ip),
      mac: routerJoinMac(network),
      override_dynamic_mac: true,
    });
  }
}

function planExternal({ facts, names, node, gateway, router }: Plan): void {
  const name = names.gatewayToExternal(node.name);
  const routerPort = facts.row("Logical_Router_Port", name, {
    name,
    mac: gateway.mac,
    networks: gateway.addresses.map(formatCidr),
  });
  facts.member("Logical_Router", router, "ports", routerPort);

  const external = facts.row("Logical_Switch", names.externalSwitch(node.name), {
    name: names.externalSwitch(node.name),
  });
  const port = names.externalToGateway(node.name);
  const toRouter = facts.row("Logical_Switch_Port", port, routerAttachment(port, name));
  facts.member("Logical_Switch", external, "ports", toRouter);

  const localnet = names.localnetPort(node.name);
  const toBridge = facts.row("Logical_Switch_Port", localnet, {
    name: localnet,
    type: "localnet",
    addresses: ["unknown"],
    options: mapOf({ network_name: onNode.physicalNetwork }),
  });
  facts.member("Logical_Switch", external, "ports", toBridge);
}

function planSourceNat({ facts, names, network, gateway, routerName, router }: Plan): void {
  for (const { cidr } of network.pods) {
    const address = ofFamily(gateway.addresses, cidr.ip.family);
    if (!address) continue;
    const nat = facts.row("NAT", `${routerName} snat ${formatCidr(cidr)}`, {
      type: "snat",
      logical_ip: formatCidr(cidr),
      external_ip: formatIp(address.ip),
      exempted_ext_ips: network.direct.some(({ ip }) => ip.family === cidr.ip.family)
        ? facts.ref("Address_Set", names.directSet(cidr.ip.family))
        : undefined,
    });
    facts.member("Logical_Router", router, "nat", nat);
  }
}

/** On the gateway router: pods are behind the cluster router, everything else is behind the node's next hops. */
function planRoutesBack({ facts, names, network, node, gateway, routerName }: Plan): void {
  for (const { ip } of routerJoinAddresses(network)) {
    for (const { cidr } of network.pods) {
      if (cidr.ip.family === ip.family) planRoute(facts, routerName, { to: cidr, via: ip });
    }
  }
  for (const [index, via] of gateway.nextHops.entries()) {
    const everything = { ip: { family: via.family, value: 0n }, bits: 0 };
    const isFirst = gateway.nextHops.findIndex(({ family }) => family === via.family) === index;
    // OVN shares the connections among routes with equal prefixes. Another gateway in place of the only one is a change of
    // one row.
    const by = isFirst ? {} : { by: formatIp(via) };
    planRoute(facts, routerName, { to: everything, via, port: names.gatewayToExternal(node.name), ...by });
  }
}

/**
 * On the cluster router: packets from a node's subnet that are for no other subnet leave by the node's own gateway or host. A
 * route by source ranks by its prefix length like any other, so a /24 beats the connected join network. That is why the
 * gateway router needs a host route.
 */
function planRoutesOut({ facts, names, network, node, gateway }: Plan): void {
  for (const { ip } of gatewayJoinAddresses(network, node)) {
    planRoute(facts, names.clusterRouter, { to: { ip, bits: widthOf(ip.family) }, via: ip });
    const subnet = ofFamily(node.subnets, ip.family);
    if (!subnet) continue;
    const via = gateway.throughHost ? managementOf(subnet) : ip;
    planRoute(facts, names.clusterRouter, { from: subnet, via });
  }
}

type Route = ({ readonly to: Cidr } | { readonly from: Cidr }) & {
  readonly via: Ip;
  readonly port?: string;
  /** Tells apart the rows of several routes to one prefix. */
  readonly by?: string;
};

function planRoute(facts: FactList, router: string, route: Route): void {
  const [policy, prefix] =
    "to" in route
      ? (["dst-ip", formatCidr(route.to)] as const)
      : (["src-ip", formatCidr(route.from)] as const);
  const key = [router, policy, prefix, ...(route.by === undefined ? [] : [route.by])].join(" ");
  const row = facts.row("Logical_Router_Static_Route", key, {
    policy,
    ip_prefix: prefix,
    nexthop: formatIp(route.via),
    output_port: route.port,
  });
  facts.member("Logical_Router", facts.ref("Logical_Router", router), "static_routes", row);
}

const gatewayJoinAddresses = (network: ClusterNetwork, node: ResolvedNode): readonly InterfaceAddress[] =>
  network.join.map((join) => within(join, gatewayJoinOf(join, node.id)));
