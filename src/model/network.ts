// What is configured about a cluster's network, and what has been decided about its nodes and pods: parsed, checked
// and durable, so that plans only spell it out. The fixed places inside a node's subnet are here too.

import { addressAt, type Cidr, type Family, type InterfaceAddress, type Ip, networkOf } from "./ip.ts";
import { macOfFirst } from "./mac.ts";

/** The ranges of one cluster, checked by decide/ranges.ts: they do not overlap, and all are of `families`. */
export interface ClusterNetwork {
  /** In the order pods get their addresses: the family of the first pod range leads. */
  readonly families: readonly Family[];
  readonly pods: readonly PodRange[];
  readonly services: readonly Cidr[];
  /** One per family: where cluster router and gateway routers meet. */
  readonly join: readonly Cidr[];
}

/** A range that node subnets are cut from, each of `nodeBits` prefix length. */
export interface PodRange {
  readonly cidr: Cidr;
  readonly nodeBits: number;
}

/** How a node reaches the world outside of the cluster: told by its agent. */
export interface GatewayConfig {
  /** The MAC of the external bridge, which the gateway router shares with the node. */
  readonly mac: string;
  /** The node's own addresses on the external bridge, at most one per family; the gateway router shares them. */
  readonly addresses: readonly InterfaceAddress[];
  readonly nextHops: readonly Ip[];
  /** Of the link behind the bridge. */
  readonly mtuBytes: number;
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
  /** Every address that the node itself answers on, as far as Kubernetes or the agent told. */
  readonly hostAddresses: readonly Ip[];
}

/** What a pod's interface has, one address and gateway per family. */
export interface PodNetwork {
  readonly addresses: readonly InterfaceAddress[];
  readonly mac: string;
  readonly gateways: readonly Ip[];
}

/** A node id that may be given out: 0 and 1 are the network's and the cluster router's places in the join network. */
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
  gateway: GatewayConfig,
): readonly ManagementAddress[] =>
  subnets.flatMap((subnet) => {
    const own = ofFamily(gateway.addresses, subnet.ip.family);
    return own ? [{ host: own.ip, management: managementOf(subnet) }] : [];
  });

/** The first offset in a subnet that a pod may have. */
export const firstPodOffset = 3;

/** The cluster router's address in a join network. */
export const routerJoinOf = (join: Cidr): Ip => addressAt(join, 1n);

/** The address of a node's gateway router in a join network. */
export const gatewayJoinOf = (join: Cidr, nodeId: number): Ip => addressAt(join, BigInt(nodeId));

/** `ip` with the prefix length of the network it is seen in. */
export const within = (network: Cidr, ip: Ip): InterfaceAddress => ({ ip, bits: network.bits });

/** What a pod has whose addresses lie `offset` into each of its node's `subnets`. */
export function podNetworkAt(subnets: readonly Cidr[], offset: number): PodNetwork {
  const addresses = subnets.map((subnet) => within(subnet, addressAt(subnet, BigInt(offset))));
  return { addresses, mac: macOfFirst(addresses), gateways: subnets.map(gatewayOf) };
}

/** The member of `list` of the family, if there is one. */
export const ofFamily = <T extends Cidr | InterfaceAddress>(
  list: readonly T[],
  family: Family,
): T | undefined => list.find(({ ip }) => ip.family === family);

/** The network an interface address is in. */
export const networkAround = (address: InterfaceAddress): Cidr => networkOf(address.ip, address.bits);

/** The source that a server sees when a balancer chose the client itself as the endpoint; one address per family. */
export const hairpinAddresses = ["169.254.0.5", "fd69::5"] as const;
