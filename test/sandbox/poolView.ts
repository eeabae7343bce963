// Pools of ready ports as the controller and the agents describe them: in the annotations of nodes, and in pods'
// addresses.

import assert from "node:assert/strict";
import { nodeSubnetsOf, poolOfferOf, poolSeenOf } from "../../src/kube/annotations.ts";
import { formatIp } from "../../src/model/ip.ts";
import { namesOf } from "../../src/model/names.ts";
import { podNetworkAt } from "../../src/model/network.ts";
import type { PoolOffer, PoolPort, PoolSeen } from "../../src/model/pool.ts";
import type { Cluster } from "./cluster.ts";
import type { Identity } from "./frames.ts";

export interface NodePoolView {
  readonly offer: PoolOffer;
  readonly seen: PoolSeen;
  readonly portAt: (port: PoolPort) => PortView;
}

export interface PortView {
  readonly node: string;
  readonly offset: number;
  readonly tag: number;
  /** The name of the logical switch port. */
  readonly name: string;
  readonly identity: Identity;
  readonly kind: "open" | "closed" | "withdrawn" | "unknown";
}

export async function poolView(cluster: Cluster, node: string): Promise<NodePoolView> {
  const metadata: { readonly annotations: Readonly<Record<string, string>> } = JSON.parse(
    await cluster.field("node", "", node, "{.metadata}"),
  );
  const [offer, seen, subnets] = [poolOfferOf(metadata), poolSeenOf(metadata), nodeSubnetsOf(metadata)];
  assert.ok(offer && seen && subnets, `node ${node} has a pool`);
  const kinds = ["open", "closed", "withdrawn"] as const;
  return {
    offer,
    seen,
    portAt: ({ offset, tag }) => {
      const { mac, addresses } = podNetworkAt(subnets, offset);
      const [v4 = "", v6 = ""] = addresses.map(({ ip }) => formatIp(ip));
      return {
        node,
        offset,
        tag: tag ?? 0,
        name: namesOf(cluster.id).poolPort(node, offset),
        identity: { mac, 4: v4, 6: v6 },
        kind: kinds.find((kind) => offer[kind].some((port) => port.offset === offset)) ?? "unknown",
      };
    },
  };
}

/** The port that a pod uses. */
export async function portOf(cluster: Cluster, namespace: string, pod: string): Promise<PortView> {
  const node = await cluster.field("pod", namespace, pod, "{.spec.nodeName}");
  const [address] = await cluster.addressesOf(namespace, pod);
  const { offer, portAt } = await poolView(cluster, node);
  const all = [...offer.open, ...offer.closed, ...offer.withdrawn].map(portAt);
  return (
    all.find(({ identity }) => identity[4] === address) ?? assert.fail(`${pod}: no port with ${address}`)
  );
}
