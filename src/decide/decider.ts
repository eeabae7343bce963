// Makes the choices about nodes and pods, each durable in an annotation before anybody uses it. The controller asks
// for every Node and Pod object it sees, and again whenever it likes: an answer costs nothing when nothing is new.
//
//   await Decider.adopting(options, held)   held: all objects there are, so that what they hold is known before any choice
//   .node(node)  ▶ ready: ResolvedNode | pending | refused          .pod(pod) ▶ ready: PodPlace | … | waiting | none
//   .nodeGone(name) at once, .releaseNode(name) when no row of it is left
//   .formerPods(namespace, name, uid) ▶ uids, .releasePod(…, uid) for each when no row of it is left

import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import {
  type AnnotationValues,
  chassisIdOf,
  gatewayConfigOf,
  nodeIdAnnotation,
  nodeIdOf,
  nodeSubnetsAnnotation,
  nodeSubnetsOf,
  podNetworkAnnotation,
  podNetworkOf,
} from "../kube/annotations.ts";
import type { Node, ObjectMeta, Pod } from "../kube/objects.ts";
import { type Cidr, formatIp, parseIp } from "../model/ip.ts";
import { annotations, type Names } from "../model/names.ts";
import { type ClusterNetwork, type PodNetwork, podNetworkAt, type ResolvedNode } from "../model/network.ts";
import { type Holder, PodAddresses, type Site } from "./addresses.ts";
import type { Decision } from "./decision.ts";
import { Durable, type Patch } from "./durable.ts";
import { ConfigError, ExhaustedError } from "./errors.ts";
import { type NodeChoice, NodeChoices } from "./nodes.ts";
import { type PoolOptions, type PoolRow, Pools } from "./pools.ts";
import { hostOverlap } from "./ranges.ts";
import type { RowAddresses } from "./rows.ts";

export interface DeciderOptions {
  readonly network: ClusterNetwork;
  readonly names: Names;
  readonly patch: Patch;
  /** Kept up to date by the caller, and complete before the decider is made. */
  readonly rows: RowAddresses;
  /** New pods get a port from their node's pool, and not one of their own. */
  readonly pools?: PoolOptions | undefined;
}

/** All objects there are, and the pool ports in the database. */
export interface Held {
  readonly nodes: Iterable<Node>;
  readonly pods: Iterable<Pod>;
  readonly poolRows: Iterable<PoolRow>;
}

/** A pod's place in the network. */
export interface PodPlace {
  readonly network: PodNetwork;
  /** The pod needs a port of its own; else its node has given it one from the pool. */
  readonly ownPort: boolean;
}

interface DecidedNode extends NodeChoice {
  readonly name: string;
  readonly durable: Durable;
  /** Set once the choice was durable. */
  resolved: ResolvedNode | undefined;
  /** The object is gone; one may come back under the name and take over. */
  gone: boolean;
  readonly pods: Set<string>;
}

interface DecidedPod extends PodPlace {
  readonly durable: Durable;
  readonly node: DecidedNode;
}

interface Choice extends PodPlace {
  /** Why what the pod's annotation said was not taken. */
  readonly distrusted: string | undefined;
}

/** A pod takes some 20 µs, so that the event loop is never held for long. */
const podsBetweenYields = 200;

export class Decider {
  readonly #options: DeciderOptions;
  readonly #choices: NodeChoices;
  readonly #addresses: PodAddresses;
  /** Undefined when every pod gets a port of its own. */
  readonly pools: Pools | undefined;
  /** name -> node */
  readonly #nodes = new Map<string, DecidedNode>();
  /** uid -> pod */
  readonly #pods = new Map<string, DecidedPod>();
  /** namespace/name -> uids of the pods of that name that hold something */
  readonly #lives = new Map<string, Set<string>>();

  private constructor(options: DeciderOptions) {
    this.#options = options;
    this.#choices = new NodeChoices(options.network);
    this.#addresses = new PodAddresses(options.rows);
    this.pools = options.pools && new Pools(options.pools, options.names, options.patch, this.#addresses);
  }

  /**
   * A decider that knows what all nodes and pods hold. Of two that state the same address, the one whose row has it keeps
   * it, else the first by name. Yields: objects that change meanwhile are to be asked about afterwards.
   */
  static async adopting(options: DeciderOptions, held: Held): Promise<Decider> {
    const decider = new Decider(options);
    const nodes = [...held.nodes].toSorted(byName);
    const pods = [...held.pods].filter(wantsAddress).toSorted(byName);
    for (const node of nodes) decider.#choices.adopt(node);
    const sites = new Map(
      nodes.map((node) => [node.name, { name: node.name, subnets: nodeSubnetsOf(node) ?? [] }]),
    );
    const poolRows = Map.groupBy(held.poolRows, ({ node }) => node);
    for (const node of nodes) {
      const site = sites.get(node.name);
      if (site && site.subnets.length > 0) decider.pools?.adopt(node, site, poolRows.get(node.name) ?? []);
      await setImmediate();
    }
    for (const [index, pod] of pods.entries()) {
      const site = sites.get(pod.nodeName);
      if (site) decider.#adoptPod(pod, site);
      if (index % podsBetweenYields === 0) await setImmediate();
    }
    return decider;
  }

  /** A node that is ready, with what was last known of it. */
  resolvedNode(name: string): ResolvedNode | undefined {
    return this.#nodes.get(name)?.resolved;
  }

  node(node: Node): Decision<ResolvedNode> {
    const decided = this.#decidedNode(node);
    if ("refused" in decided) return { state: "refused", reason: decided.refused };
    decided.gone = false;
    const written = decided.durable.write(node, () => nodeAnnotations(nodeIdOf(node), nodeSubnetsOf(node)));
    if (written) return { state: "pending", written, distrusted: undefined };
    const resolved = resolve(node, decided);
    const overlap = hostOverlap(this.#options.network, resolved);
    if (overlap !== undefined) return { state: "refused", reason: `node ${node.name}: ${overlap}` };
    decided.resolved = resolved;
    return { state: "ready", value: resolved };
  }

  /** "none", too, for a pod to which its node has not given a port from its pool yet. */
  pod(pod: Pod): Decision<PodPlace> {
    if (!wantsAddress(pod)) return { state: "none" };
    let decided = this.#pods.get(pod.uid);
    let distrusted: string | undefined;
    if (!decided?.ownPort) {
      const node = this.#nodes.get(pod.nodeName);
      if (!node?.resolved)
        return { state: "waiting", reason: `node ${pod.nodeName || "?"} has no subnet yet` };
      const choice = this.#isPooled(pod)
        ? this.#claimed(pod, node.resolved)
        : this.#choosePod(pod, node.resolved);
      if (!choice) return { state: "none" };
      if ("refused" in choice) return { state: "refused", reason: choice.refused };
      distrusted = choice.distrusted;
      const { network, ownPort } = choice;
      if (!decided || !isDeepStrictEqual(decided.network, network)) {
        const durable = new Durable(this.#options.patch, podNetworkAnnotation(network));
        decided = { network, ownPort, node, durable };
      }
      this.#pods.set(pod.uid, decided);
      this.#remember(pod);
      node.pods.add(pod.uid);
    }
    const written = decided.durable.write(pod, () => {
      const stated = podNetworkOf(pod);
      return stated ? podNetworkAnnotation(stated) : {};
    });
    return written ? { state: "pending", written, distrusted } : { state: "ready", value: decided };
  }

  /** The Node object is gone. What it holds stays held: rows of it are left, and the node may come back. */
  nodeGone(name: string): void {
    const decided = this.#nodes.get(name);
    if (!decided) return;
    decided.gone = true;
    decided.resolved = undefined;
  }

  /** No row of the node is left. While pods with its addresses live, its subnets wait for its return. */
  releaseNode(name: string): void {
    const decided = this.#nodes.get(name);
    if (!decided || (decided.gone && decided.pods.size === 0)) this.#forgetNode(name);
  }

  /** The uids of pods of this name that hold something, but for `current`: lives that have ended. */
  formerPods(namespace: string, name: string, current: string | undefined): readonly string[] {
    return [...(this.#lives.get(`${namespace}/${name}`) ?? [])].filter((uid) => uid !== current);
  }

  /** The pod is gone or finished, and the transaction that took its row out is committed. */
  releasePod(namespace: string, name: string, uid: string): void {
    const lives = this.#lives.get(`${namespace}/${name}`);
    lives?.delete(uid);
    if (lives?.size === 0) this.#lives.delete(`${namespace}/${name}`);
    this.#addresses.release(uid);
    const node = this.#pods.get(uid)?.node;
    this.#pods.delete(uid);
    if (!node) return;
    node.pods.delete(uid);
    if (node.gone && node.pods.size === 0) this.#forgetNode(node.name);
  }

  #adoptPod(pod: Pod, site: Site): void {
    const network = podNetworkOf(pod);
    if (!network) return;
    this.#addresses.claim(this.#holderOf(pod), site, network);
    this.#remember(pod);
  }

  #remember(pod: Pod): void {
    const lives = this.#lives.get(keyOf(pod));
    if (lives) lives.add(pod.uid);
    else this.#lives.set(keyOf(pod), new Set([pod.uid]));
  }

  #forgetNode(name: string): void {
    this.pools?.release(name);
    this.#choices.release(name);
    this.#nodes.delete(name);
  }

  #decidedNode(node: Node): DecidedNode | { readonly refused: string } {
    const known = this.#nodes.get(node.name);
    if (known) return known;
    try {
      const choice = this.#choices.choose(node);
      const decided: DecidedNode = {
        ...choice,
        name: node.name,
        durable: new Durable(this.#options.patch, nodeAnnotations(choice.id, choice.subnets)),
        resolved: undefined,
        gone: false,
        pods: new Set(),
      };
      this.#nodes.set(node.name, decided);
      return decided;
    } catch (error) {
      if (error instanceof ExhaustedError || error instanceof ConfigError) return { refused: error.message };
      throw error;
    }
  }

  /** A pod that got a port of its own before there were pools keeps it. */
  #isPooled(pod: Pod): boolean {
    const stated = podNetworkOf(pod)?.addresses[0];
    const port = this.#options.names.podPort(pod.namespace, pod.name);
    return this.pools !== undefined && !(stated && this.#options.rows.holds(port, formatIp(stated.ip)));
  }

  /** What the node has given the pod, as its status tells. */
  #claimed(pod: Pod, node: ResolvedNode): Choice | undefined {
    const offset = this.pools?.placeOf(node, pod);
    if (offset === undefined) return undefined;
    return { network: podNetworkAt(node.subnets, offset), ownPort: false, distrusted: undefined };
  }

  #choosePod(pod: Pod, site: ResolvedNode): Choice | { readonly refused: string } {
    const holder = this.#holderOf(pod);
    const stated = podNetworkOf(pod);
    let distrusted = pod.annotations[annotations.podNetworks] === undefined ? undefined : "it is malformed";
    if (stated) {
      distrusted = this.#addresses.claim(holder, site, stated);
      if (distrusted === undefined) return { network: stated, ownPort: true, distrusted };
    }
    try {
      return { network: this.#addresses.take(holder, site), ownPort: true, distrusted };
    } catch (error) {
      if (error instanceof ExhaustedError) return { refused: error.message };
      throw error;
    }
  }

  #holderOf(pod: Pod): Holder {
    return {
      uid: pod.uid,
      port: this.#options.names.podPort(pod.namespace, pod.name),
      label: `pod ${pod.namespace}/${pod.name}`,
    };
  }
}

/** Whether a pod takes part in the pod network: it has a network of its own, and something in it may still run. */
export const wantsAddress = (pod: Pod): boolean =>
  !pod.hostNetwork && pod.phase !== "Succeeded" && pod.phase !== "Failed";

function nodeAnnotations(id: number | undefined, subnets: readonly Cidr[] | undefined): AnnotationValues {
  return {
    ...(id !== undefined && nodeIdAnnotation(id)),
    ...(subnets && nodeSubnetsAnnotation(subnets)),
  };
}

function resolve(node: Node, choice: NodeChoice): ResolvedNode {
  const gateway = gatewayConfigOf(node);
  const told = node.internalIps.flatMap((text) => parseIp(text) ?? []);
  const hosts = new Map(
    [...told, ...(gateway?.addresses ?? []).map(({ ip }) => ip)].map((ip) => [formatIp(ip), ip]),
  );
  return {
    name: node.name,
    id: choice.id,
    subnets: choice.subnets,
    chassisId: chassisIdOf(node),
    gateway,
    hostAddresses: [...hosts.values()],
  };
}

const byName = (a: ObjectMeta, b: ObjectMeta): number =>
  compare(a.namespace, b.namespace) || compare(a.name, b.name);
const keyOf = ({ namespace, name }: ObjectMeta): string => `${namespace}/${name}`;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
