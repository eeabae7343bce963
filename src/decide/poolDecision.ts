// A node's ready ports: which ones exist, which are closed, and which its agent may claim. A pool advances step by
// step, each step when the result of the one before is there.

import { isConflict } from "../kube/error.ts";
import type { Node } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import type { Ip } from "../model/ip.ts";
import type { Names } from "../model/names.ts";
import { podNetworkAt, type ResolvedNode } from "../model/network.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import type { PoolPort } from "../model/pool.ts";
import { sidesOf } from "../observe/concerns.ts";
import type { GroupIds } from "../observe/groupRows.ts";
import type { Observed } from "../observe/observed.ts";
import type { PortState } from "../observe/portStates.ts";
import type { Decider } from "./decider.ts";
import type { Decides, Tell } from "./deciding.ts";
import { NotNow } from "./errors.ts";
import { wantsAddress } from "./places.ts";
import { isOnPodNetwork } from "./podOwners.ts";
import type { Policing } from "./policing.ts";
import type { PoolSurroundings, Pools } from "./pools.ts";

type Read = "Node" | "Pod";

export interface PoolDecisionOptions {
  readonly decider: Decider;
  readonly pools: Pools;
  readonly names: Names;
  readonly stores: Pick<Stores, Read>;
  readonly observed: Observed;
  /** How far OVN must be with a port before it may be offered. */
  readonly carriedFrom: PortState;
  /** Undefined when nothing is ever sent: then no port opens. */
  readonly policing: Policing | undefined;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** Queues the owner to be planned again after a delay. */
  readonly again: (owner: Owner, delayMs: number) => void;
  readonly tell: Tell;
}

const ofNode = (name: string): Owner => ownerOf("pool", name);

export const poolDecision = (options: PoolDecisionOptions): Decides<Read> => ({
  kind: "pool",
  reads: {
    Node: (change) => sidesOf(change).map(({ name }) => ofNode(name)),
    Pod: (change) =>
      sidesOf(change)
        .filter(isOnPodNetwork)
        .map(({ nodeName }) => ofNode(nodeName)),
  },
  nodes: { view: poolView, owners: (name) => [ofNode(name)] },
  sees(sighting, { Node: nodes }) {
    switch (sighting.what) {
      // Until OVN has listed all ports, the pools stay as they are.
      case "ports":
        return [...nodes.values()].map(({ name }) => ofNode(name));
      case "pool ports":
        return sighting.crossed.has(options.carriedFrom) ? [ofNode(sighting.node)] : [];
      case "held back":
        return [ofNode(sighting.node)];
      case "machine":
        return (options.decider.parents?.concernedBy(sighting.change) ?? []).map(ofNode);
      case "tenant":
      case "groups":
      case "translations":
      case "machine ports":
        return [];
    }
  },
  async decide({ name }) {
    const { decider, pools, stores, tell, again } = options;
    const node = stores.Node.get("", name);
    const resolved = decider.node(name);
    if (!node) return { release: () => forgetUnlessBack(options, name) };
    if (!resolved) return {};
    requireParent(options, node, resolved);
    const pods = stores.Pod.by("node", name).filter(wantsAddress);
    const { problem, againMs } = pools.next(node, resolved, pods, surroundings(options, resolved));
    if (againMs !== undefined) again(ofNode(name), againMs);
    if (problem !== undefined) tell.refused(node, problem);
    return {
      publish: () =>
        pools.write(node).catch((error: unknown) => {
          // The watch is about to show the other write.
          throw isConflict(error) ? new NotNow(error.message) : error;
        }),
    };
  },
});

/** Everything about the node that its pool depends on. */
const poolView = ({ chassisId, gateway, subnets }: ResolvedNode): string =>
  [
    chassisId,
    gateway?.mac,
    ...(gateway?.addresses ?? []).map(({ ip }) => ip.value),
    ...subnets.map(({ ip, bits }) => `${ip.value}/${bits}`),
  ].join();

function requireParent({ decider, tell }: PoolDecisionOptions, node: Node, resolved: ResolvedNode): void {
  const parent = decider.parents?.of(resolved);
  if (parent === undefined || typeof parent === "string") return;
  if (parent.isUsual === undefined) tell.refused(node, parent.notNow);
  throw new NotNow(parent.notNow);
}

/** Rows prove who has a parent. While one is left, no other node gets the parent. */
function forgetUnlessBack({ decider, stores, observed, again }: PoolDecisionOptions, name: string): void {
  if (!decider.parents || stores.Node.get("", name)) return;
  if (observed.hasRows(ofNode(name))) again(ofNode(name), untilRowsGoMs);
  else decider.parents.release(name);
}

const noGroups: GroupIds = { subject: new Set(), peer: new Map() };

const untilRowsGoMs = 5_000;

function surroundings(options: PoolDecisionOptions, node: ResolvedNode): PoolSurroundings {
  const { decider, names, observed, carriedFrom, policing, now } = options;
  const heldBack = observed.heldBackOn(node.name);
  const portOf = ({ offset }: PoolPort): string => names.poolPort(node.name, offset);
  const addressesOf = ({ offset }: PoolPort): readonly Ip[] =>
    podNetworkAt(node.subnets, offset).addresses.map(({ ip }) => ip);
  return {
    isCarried: (port) => observed.ports.isAtLeast(carriedFrom, portOf(port)),
    isHeldBack: ({ offset }) => heldBack.has(podNetworkAt(node.subnets, offset).mac),
    isInForce: (pod, port) => {
      const name = portOf(port);
      const chassis = observed.ports.chassisOf(name) ?? node.chassisId;
      return policing?.isInForce(pod, { name, addresses: addressesOf(port), chassis }) === true;
    },
    isForgotten: (port) =>
      observed.isExactlyIn({ name: portOf(port), addresses: addressesOf(port) }, noGroups),
    foreignTags: decider.parents?.foreignTags(node.name) ?? new Set(),
    now: now(),
  };
}
