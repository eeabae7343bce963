// What has been decided about nodes and pods, as plans read it: only durable choices, each written on an object. The
// process that decides also answers with what it has just written, before its watch shows it (decider.ts). A process
// that only plans reads the objects (StatedPlaces).

import {
  chassisIdOf,
  gatewayConfigOf,
  hostCidrsOf,
  nodeIdOf,
  nodeSubnetsOf,
  podNetworkOf,
  poolOfferOf,
} from "../kube/annotations.ts";
import type { Node, Pod } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import { parseIp } from "../model/ip.ts";
import { controlPlaneLabel, zoneLabel } from "../model/names.ts";
import { hostAddressesOf, type ResolvedNode } from "../model/network.ts";
import type { PodPlace, PoolPlace } from "../model/places.ts";
import { doubtAbout, offsetIn } from "../model/site.ts";
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

/**
 * Reads what the objects state. Annotations that make no sense for their node count as absent. When two objects state
 * the same, only the process that decides can tell which one is right.
 */
export class StatedPlaces implements Places {
  readonly #stores: Pick<Stores, "Node">;

  constructor(stores: Pick<Stores, "Node">) {
    this.#stores = stores;
  }

  node(name: string): ResolvedNode | undefined {
    const node = this.#stores.Node.get("", name);
    if (!node) return undefined;
    const id = nodeIdOf(node);
    const subnets = nodeSubnetsOf(node);
    return id === undefined || !subnets ? undefined : resolvedNode(node, { id, subnets }, chassisIdOf(node));
  }

  *nodes(): Iterable<ResolvedNode> {
    for (const { name } of this.#stores.Node.values()) {
      const node = this.node(name);
      if (node) yield node;
    }
  }

  /** Rows are read where places are decided. */
  isProven(): boolean {
    return false;
  }

  /** Only who decides follows the lives of pods. */
  isBetweenMirrors(): boolean {
    return false;
  }

  pod(pod: Pod): PodPlace | undefined {
    const node = this.#stores.Node.get("", pod.nodeName);
    const site = this.node(pod.nodeName);
    const network = podNetworkOf(pod);
    if (!node || !site || !network || !wantsAddress(pod)) return undefined;
    if (doubtAbout(network, site) !== undefined) return undefined;
    const offer = poolOfferOf(node);
    const [first] = network.addresses;
    const offset = first && offsetIn(site, first.ip);
    const offered = [...(offer?.open ?? []), ...(offer?.closed ?? []), ...(offer?.withdrawn ?? [])];
    return { network, ownPort: !offered.some((port) => port.offset === offset) };
  }

  /** No object says whether a closed port lets packets pass, so pools are planned where they are decided. */
  pool(): undefined {
    return undefined;
  }
}
