// What a Node's offer of ready ports says about the node and its pods.

import { nodeSubnetsOf, poolOfferOf } from "../../kube/annotations.ts";
import type { Node, Pod } from "../../kube/objects.ts";
import { contains, parseIp } from "../../model/ip.ts";
import { ofFamily } from "../../model/network.ts";
import type { PoolPort } from "../../model/pool.ts";

export interface PoolReport {
  readonly ports: number;
  /** How many of them are in use. */
  readonly used: number;
}

/** The place of the pod's port in its node's subnets; undefined when it has none. */
export function placeInPool(node: Node, pod: Pod): number | undefined {
  const ip = parseIp(pod.podIps[0] ?? "");
  const subnet = ip && ofFamily(nodeSubnetsOf(node) ?? [], ip.family);
  if (!subnet || !contains(subnet, ip)) return undefined;
  const offset = Number(ip.value - subnet.ip.value);
  return portsOf(node).some((port) => port.offset === offset) ? offset : undefined;
}

/** The report of a node with a pool. `pods` are all that should have a network. */
export function poolReport(node: Node, pods: readonly Pod[]): PoolReport | undefined {
  if (!poolOfferOf(node)) return undefined;
  const used = pods.filter((pod) => pod.nodeName === node.name && placeInPool(node, pod) !== undefined);
  return { ports: portsOf(node).length, used: used.length };
}

export const hasNestedPorts = (node: Node): boolean => portsOf(node).some(({ tag }) => tag !== undefined);

function portsOf(node: Node): readonly PoolPort[] {
  const offer = poolOfferOf(node);
  return offer ? [...offer.open, ...offer.closed, ...offer.withdrawn] : [];
}
