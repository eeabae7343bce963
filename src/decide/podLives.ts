// The lives of pods. An address is chosen once, or read from the pool port that the node has given the pod. It is made
// durable, and it is free again when no row has it any more. One name may have two lives at a time: the one that ends
// and the next.
//
// A pod's annotation alone proves nothing, because anyone who may create or patch the pod can write it. After a restart
// a pod has what its port's row says, or else what its kubelet reports. Without either, nobody uses the address in the
// annotation, and the pod gets another one, which has rested.
//
// A static pod outlives its object in the API: deleting that mirror does not stop the pod, and its kubelet makes
// another one within seconds. So its life is identified by its hash, and does not end with a mirror.

import { isDeepStrictEqual } from "node:util";
import { podNetworkAnnotation, podNetworkOf } from "../kube/annotations.ts";
import type { ObjectMeta, Pod } from "../kube/objects.ts";
import { isStatic, lastingUid } from "../kube/staticPod.ts";
import { formatCidr, parseIp } from "../model/ip.ts";
import { Multimap } from "../model/multimap.ts";
import { annotations, type Names } from "../model/names.ts";
import { type PodNetwork, podNetworkAt, type ResolvedNode } from "../model/network.ts";
import { parseOwner } from "../model/owner.ts";
import type { PodPlace } from "../model/places.ts";
import { podNetworkOn, type Site } from "../model/site.ts";
import type { PortHolder, RowAddresses } from "../observe/rowAddresses.ts";
import type { Holder, PodAddresses } from "./allocate/addresses.ts";
import type { Decision } from "./decision.ts";
import { Durable, type Patch } from "./durable.ts";
import { ExhaustedError } from "./errors.ts";
import type { NodeLives } from "./nodeLives.ts";
import { wantsAddress } from "./places.ts";
import type { Pools } from "./pools.ts";

interface Life extends PodPlace {
  readonly durable: Durable;
  /** The node whose address it is. */
  readonly node: string;
  /** Facts may use the address. */
  ready: boolean;
  /** Facts make its port. */
  isStated: boolean;
}

/** What a pod was found to have at the start. */
interface Found {
  readonly network: PodNetwork;
  /** It is in the row of the pod's own port. */
  readonly isInRow: boolean;
}

export interface PodLivesOptions {
  readonly names: Names;
  readonly patch: Patch;
  /** Kept up to date by the caller, and complete before the first decision. */
  readonly rows: RowAddresses;
  readonly addresses: PodAddresses;
  readonly nodes: NodeLives;
  /** New pods get a port from their node's pool; undefined when every pod gets one of its own. */
  readonly pools: Pools | undefined;
}

export class PodLives {
  readonly #options: PodLivesOptions;
  /** what `lifeOf` says of a pod -> its life */
  readonly #lives = new Map<string, Life>();
  /** a life that has not been decided yet -> what it holds */
  readonly #adopted = new Map<string, Found>();
  /** namespace/name -> the lives of that name that hold something */
  readonly #names = new Multimap<string, string>();
  /** namespace/name of a static pod whose mirror is gone -> until when the next one is awaited */
  readonly #betweenMirrors = new Map<string, number>();

  constructor(options: PodLivesOptions) {
    this.#options = options;
  }

  /** Notes that the pod exists. Comes before `adopt` for all pods: it has to be known whose rows are left of pods that are gone. */
  know(pod: Pod): void {
    this.#names.add(keyOf(pod), lifeOf(pod));
  }

  /** Claims what the pod is proven to have. */
  adopt(pod: Pod, site: Site): void {
    const found = this.#provenOf(pod, site);
    if (found && this.#claim(pod, site, found.network)) this.#adopted.set(lifeOf(pod), found);
  }

  /** The last decision, if it is durable. */
  place(pod: Pod): PodPlace | undefined {
    const life = this.#lives.get(lifeOf(pod));
    return life?.ready && wantsAddress(pod) ? life : undefined;
  }

  /** Also "none" for a pod to which its node has not given a port from its pool yet. */
  decide(pod: Pod): Decision<PodPlace> {
    this.#betweenMirrors.delete(keyOf(pod));
    if (!wantsAddress(pod)) return { state: "none" };
    let life = this.#lives.get(lifeOf(pod));
    let distrustOf: (() => string | undefined) | undefined;
    if (!life?.ownPort) {
      const node = this.#options.nodes.get(pod.nodeName);
      if (!node) return { state: "waiting", reason: `node ${pod.nodeName || "?"} has no subnet yet` };
      const choice = this.#isPooled(pod) ? this.#claimed(pod, node) : this.#choose(pod, node);
      this.#adopted.delete(lifeOf(pod));
      if (!choice) return { state: "none" };
      if ("refused" in choice) return { state: "refused", reason: choice.refused };
      if (choice.ownPort) distrustOf = () => this.#distrustOf(pod, node);
      life = this.#begin(pod, node, choice, life);
    }
    const written = life.durable.write(pod, podNetworkAnnotation(life.network), () => {
      const stated = podNetworkOf(pod);
      return stated ? podNetworkAnnotation(stated) : {};
    });
    if (written) return { state: "pending", written, distrusted: distrustOf?.() };
    life.ready = true;
    return { state: "ready", value: life };
  }

  /** Whether the pod needs a port of its own that it does not have yet, and that is not on its way. */
  needsPort(pod: Pod): boolean {
    if (!wantsAddress(pod) || this.#options.pools !== undefined) return false;
    const life = lifeOf(pod);
    if (this.#lives.get(life)?.isStated || this.#adopted.get(life)?.isInRow) return false;
    return this.#inRow(pod) === undefined;
  }

  /** The pod has been planned, with or without its port. */
  planned(pod: Pod, withPort: boolean): void {
    const life = this.#lives.get(lifeOf(pod));
    if (life) life.isStated = withPort;
  }

  /**
   * The pod has no object. How long to wait for its next mirror, in milliseconds; 0 when none is to come. The time runs from
   * the first call on.
   */
  awaitMirror(namespace: string, name: string, nowMs: number): number {
    const key = `${namespace}/${name}`;
    const until = this.#betweenMirrors.get(key) ?? nowMs + nextMirrorMs;
    const waitMs = [...this.#names.get(key)].some(isOfStaticPod) ? Math.max(0, until - nowMs) : 0;
    if (waitMs > 0) this.#betweenMirrors.set(key, until);
    else this.#betweenMirrors.delete(key);
    return waitMs;
  }

  isBetweenMirrors(namespace: string, name: string): boolean {
    return this.#betweenMirrors.has(`${namespace}/${name}`);
  }

  /** Earlier lives of this name that still hold something. */
  former(namespace: string, name: string, current: string | undefined): readonly string[] {
    return [...this.#names.get(`${namespace}/${name}`)].filter((life) => life !== current);
  }

  /** The pod is gone or finished, and its row is gone from the database. */
  release(namespace: string, name: string, life: string): void {
    this.#names.delete(`${namespace}/${name}`, life);
    this.#options.addresses.release(life);
    this.#adopted.delete(life);
    const node = this.#lives.get(life)?.node;
    this.#lives.delete(life);
    if (node !== undefined) this.#options.nodes.dropPod(node, life);
  }

  #begin(pod: Pod, node: ResolvedNode, { network, ownPort }: PodPlace, before: Life | undefined): Life {
    const isSame = before !== undefined && isDeepStrictEqual(before.network, network);
    const life = isSame
      ? before
      : {
          network,
          ownPort,
          node: node.name,
          durable: new Durable(this.#options.patch),
          ready: false,
          isStated: false,
        };
    this.#lives.set(lifeOf(pod), life);
    this.#names.add(keyOf(pod), lifeOf(pod));
    this.#options.nodes.addPod(node.name, lifeOf(pod));
    return life;
  }

  /** A pod that got a port of its own before there were pools keeps it. */
  #isPooled(pod: Pod): boolean {
    return this.#options.pools !== undefined && this.#inRow(pod) === undefined;
  }

  /** The addresses in the row of the pod's own port. */
  #inRow(pod: Pod): readonly string[] | undefined {
    return this.#options.rows.ofPod(this.#holderOf(pod).port, lastingUid(pod));
  }

  #provenOf(pod: Pod, site: Site): Found | undefined {
    const inRow = this.#inRow(pod);
    const network = podNetworkOn(
      site,
      (inRow ?? pod.podIps).flatMap((text) => parseIp(text) ?? []),
    );
    return network && { network, isInRow: inRow !== undefined };
  }

  #claim(pod: Pod, site: Site, network: PodNetwork): boolean {
    return this.#options.addresses.claim(this.#holderOf(pod), site, network, this.#isGone) === undefined;
  }

  /** The pool port that the node has given the pod, found by the address in the pod's status. */
  #claimed(pod: Pod, node: ResolvedNode): PodPlace | undefined {
    const offset = this.#options.pools?.placeOf(node, pod);
    if (offset === undefined) return undefined;
    return { network: podNetworkAt(node.subnets, offset), ownPort: false };
  }

  #choose(pod: Pod, site: ResolvedNode): PodPlace | { readonly refused: string } {
    const { addresses } = this.#options;
    const holder = this.#holderOf(pod);
    // OVN would bind the pod's interface to it: with other addresses, or with none and no port security.
    if (this.#options.rows.isForeign(holder.port))
      return {
        refused: `port ${holder.port} in the northbound database is not Weft's: find out who made it, then ovn-nbctl lsp-del ${holder.port}`,
      };
    const proven = this.#adopted.get(holder.uid) ?? this.#provenOf(pod, site);
    if (proven && this.#claim(pod, site, proven.network)) return { network: proven.network, ownPort: true };
    try {
      return { network: addresses.take(holder, site), ownPort: true };
    } catch (error) {
      if (error instanceof ExhaustedError) return { refused: error.message };
      throw error;
    }
  }

  /**
   * Whether the pod that the port is for no longer exists. After a backup was restored, rows of such pods have addresses that
   * other pods run with by now.
   */
  readonly #isGone = ({ owner, pod }: PortHolder): boolean => {
    const { kind, namespace, name } = parseOwner(owner);
    const key = `${namespace}/${name}`;
    const lives = [...this.#names.get(key)];
    // Another pod may have the name by now.
    const isLife = (life: string): boolean => pod === undefined || [pod, `${key} ${pod}`].includes(life);
    return kind === "pod" && !lives.some(isLife);
  };

  /** What is wrong with the pod's own annotation, should it be replaced. */
  #distrustOf(pod: Pod, site: Site): string | undefined {
    if (pod.annotations[annotations.podNetworks] === undefined) return undefined;
    const stated = podNetworkOf(pod);
    if (!stated) return "it is malformed";
    const { addresses } = this.#options;
    return (
      addresses.whyNot(this.#holderOf(pod), site, stated) ??
      `nothing but the annotation says that the pod has ${stated.addresses.map(formatCidr).join(", ")}`
    );
  }

  #holderOf(pod: Pod): Holder {
    return {
      uid: lifeOf(pod),
      port: this.#options.names.podPort(pod.namespace, pod.name),
      label: `pod ${pod.namespace}/${pod.name}`,
    };
  }
}

const keyOf = ({ namespace, name }: ObjectMeta): string => `${namespace}/${name}`;

/** A kubelet makes the next mirror when it sees that one is gone, or when it looks at its pods, once a minute. */
const nextMirrorMs = 90_000;

/**
 * What a pod holds something under: its UID, or of a static pod its name and hash, because anybody could write a hash on a pod of
 * another name.
 */
export const lifeOf = (pod: Pod): string => (isStatic(pod) ? `${keyOf(pod)} ${lastingUid(pod)}` : pod.uid);

/** No UID has a blank. */
const isOfStaticPod = (life: string): boolean => life.includes(" ");
