// What has been decided about nodes and pods, as plans read it: only durable choices, each written on an object. The
// decider (decider.ts) answers, and also with what it has just written, before its watch shows it.

import { gatewayConfigOf, hostCidrsOf } from "../kube/annotations.ts";
import type { Node, Pod } from "../kube/objects.ts";
import { parseIp } from "../model/ip.ts";
import { controlPlaneLabel, zoneLabel } from "../model/names.ts";
import { hostAddressesOf, type ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { PodPlace, PoolPlace } from "../model/places.ts";
import type { FloatingGrant } from "./floatingGrants.ts";
import type { NodeChoice } from "./nodeChoices.ts";

export interface Places {
  /** Undefined until the node's id and subnets are durable. */
  node(name: string): ResolvedNode | undefined;
  nodes(): Iterable<ResolvedNode>;
  /** Whether rows from before the start are the node's. */
  isProven(node: string): boolean;
  /** Also undefined for a pod to which its node has not given a port from its pool yet. */
  pod(pod: Pod): PodPlace | undefined;
  /** Whether the pod runs without an object at the moment, because its kubelet is about to make the next one. */
  isBetweenMirrors(namespace: string, name: string): boolean;
  /** Undefined while the pool is not decided. */
  pool(node: string): PoolPlace | undefined;
  /** The addresses of a FloatingAddress, and the pod that has them; undefined while nothing is decided. */
  floating(owner: Owner): FloatingGrant | undefined;
}

/** Whether a pod takes part in the pod network: it has a network of its own, and may still run. */
export const wantsAddress = (pod: Pod): boolean =>
  !pod.hostNetwork && pod.phase !== "Succeeded" && pod.phase !== "Failed";

/** What is known of a node once `choice` is durable. */
export function resolvedNode(
  node: Node,
  { id, subnets }: NodeChoice,
  chassisId: string | undefined,
): ResolvedNode {
  const gateway = gatewayConfigOf(node);
  const internal = node.internalIps.flatMap((text) => parseIp(text) ?? []);
  return {
    name: node.name,
    id,
    subnets,
    chassisId,
    gateway,
    hostAddresses: hostAddressesOf(internal, gateway, hostCidrsOf(node)),
    ...(Object.hasOwn(node.labels, controlPlaneLabel) && { isControlPlane: true }),
    ...(node.labels[zoneLabel] && { zone: node.labels[zoneLabel] }),
  };
}
