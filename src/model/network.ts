// What is configured about a cluster's network, and what has been decided about its nodes and pods: parsed, checked
// and durable, ready for plans to use. Also the fixed places inside a node's subnet.

import { addressAt, type Cidr, type Family, type InterfaceAddress, type Ip, networkOf } from "./ip.ts";
import { macOfFirst } from "./mac.ts";

/** The ranges of one cluster, checked by config/ranges.ts: they do not overlap, and all are of `families`. */
export interface ClusterNetwork {
  /** In the order in which pods get their addresses: the family of the first pod range comes first. */
  readonly families: readonly Family[];
  readonly pods: readonly PodRange[];
  readonly services: readonly Cidr[];
  /** One per family, where the cluster router and the gateway routers meet. */
  readonly join: readonly Cidr[];
  /** Outside of the cluster: pods send there with their own addresses, and are reached from there at them. */
  readonly direct: readonly Cidr[];
}

/** A range that node subnets are cut from, each of `nodeBits` prefix length. */
export interface PodRange {
  readonly cidr: Cidr;
  readonly nodeBits: number;
}

/** How a node reaches the outside of the cluster, as its agent reports it. */
export interface GatewayConfig {
  /** The MAC of the external bridge, which the gateway router shares with the node. */
  readonly mac: string;
  /** The node's own addresses on the external bridge, at most one per family; the gateway router shares them. */
  readonly addresses: readonly InterfaceAddress[];
  /** Several of one family share the load. */
  readonly nextHops: readonly Ip[];
  /** The MTU of the link behind the bridge. */
  readonly mtuBytes: number;
  /** Pods reach the outside through the host's own routing, and not through the gateway router. */
  readonly throughHost?: true;
}

export interface ResolvedNode {
  readonly name: string;
  /** 2 … 5000: its place in the join network. */
  readonly id: number;
  /** One per family of the cluster, in the cluster's order. */
  readonly subnets: readonly Cidr[];
  /** Undefined until the node's agent has started once. */
  readonly chassisId: string | undefined;
  readonly gateway: GatewayConfig | undefined;
  /** The node's own addresses (`hostAddressesOf`). */
  readonly hostAddresses: readonly Ip[];
  /** An administrator says that the node is one of the control plane. */
  readonly isControlPlane?: true;
  /** Where the node is, as its label says. */
  readonly zone?: string;
}

/** The addresses of a pod's interface: one address and gateway per family. */
export interface PodNetwork {
  readonly addresses: readonly InterfaceAddress[];
  readonly mac: string;
  readonly gateways: readonly Ip[];
}

/** The node ids to give out. 0 and 1 are the places of the network and the cluster router in the join network. */
export const nodeIds = { first: 2, last: 5000 } as const;

/** The cluster router's address in a node's subnet: the pods' gateway. */
export const gatewayOf = (subnet: Cidr): Ip => addressAt(subnet, 1n);

/** The node's own address in its subnet, on the management port. */
export const managementOf = (subnet: Cidr): Ip => addressAt(subnet, 2n);

/** A node's own address, and the one on its management port that stands for it. */
export interface ManagementAddress {
  readonly host: Ip;
  readonly management: Ip;
}

/** One of each family that the node has a subnet and an address of. Further addresses of a family have none. */
export const managementAddresses = (
  subnets: readonly Cidr[],
  hostAddresses: readonly Ip[],
): readonly ManagementAddress[] =>
  subnets.flatMap((subnet) => {
    const host = hostAddresses.find(({ family }) => family === subnet.ip.family);
    return host ? [{ host, management: managementOf(subnet) }] : [];
  });

/**
 * All addresses that are the node's own, without doubles. Those by which Kubernetes knows it come first, because
 * servers in the host's network are endpoints under these; then those it shares with its gateway router. Until the
 * agent has reported, the InternalIPs of Kubernetes are used; afterwards an InternalIP that the agent does not find on
 * the node belongs to another machine, for example to a router with NAT.
 */
export function hostAddressesOf(
  internal: readonly Ip[],
  gateway: GatewayConfig | undefined,
  others: readonly InterfaceAddress[],
): readonly Ip[] {
  const keyOf = ({ family, value }: Ip): string => `${family} ${value}`;
  const found = [...(gateway?.addresses ?? []), ...others].map(({ ip }) => ip);
  const there = new Set(found.map(keyOf));
  const confirmed = gateway ? internal.filter((ip) => there.has(keyOf(ip))) : internal;
  return [...new Map([...confirmed, ...found].map((ip) => [keyOf(ip), ip])).values()];
}

/** The first offset in a subnet that a pod may have. */
export const firstPodOffset = 3;

/** The cluster router's address in a join network. */
export const routerJoinOf = (join: Cidr): Ip => addressAt(join, 1n);

/** The address of a node's gateway router in a join network. */
export const gatewayJoinOf = (join: Cidr, nodeId: number): Ip => addressAt(join, BigInt(nodeId));

/** `ip` with the prefix length of its network. */
export const within = (network: Cidr, ip: Ip): InterfaceAddress => ({ ip, bits: network.bits });

/** The network of a pod whose addresses are at `offset` in each of its node's `subnets`. */
export function podNetworkAt(subnets: readonly Cidr[], offset: number): PodNetwork {
  const addresses = subnets.map((subnet) => within(subnet, addressAt(subnet, BigInt(offset))));
  return { addresses, mac: macOfFirst(addresses), gateways: subnets.map(gatewayOf) };
}

/** The first member of `list` of this family. */
export const ofFamily = <T extends Cidr | InterfaceAddress>(
  list: readonly T[],
  family: Family,
): T | undefined => list.find(({ ip }) => ip.family === family);

/** The network an interface address is in. */
export const networkAround = (address: InterfaceAddress): Cidr => networkOf(address.ip, address.bits);

/** The source address that a server sees when a balancer chose the client itself as the endpoint; one per family. */
export const hairpinAddresses = ["169.254.0.5", "fd69::5"] as const;
