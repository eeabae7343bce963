// The pools of ready ports of all nodes. A port's addresses come from the same allocator as those of single pods, its VLAN tag from
// those free on the parent port. Finds out which ports living pods have, and decides which closed ones to open.

import type { Marks } from "../config/poolMarks.ts";
import { poolOfferAnnotation, poolOfferOf, poolSeenOf } from "../kube/annotations.ts";
import type { Node, Pod } from "../kube/objects.ts";
import { parseIp } from "../model/ip.ts";
import type { Names } from "../model/names.ts";
import { podNetworkAt, type ResolvedNode } from "../model/network.ts";
import type { PlannedPort } from "../model/places.ts";
import { type PoolOffer, type PoolPort, tags } from "../model/pool.ts";
import type { PoolRow } from "../observe/poolRows.ts";
import { type Holder, offsetIn, type PodAddresses, type Site } from "./allocate/addresses.ts";
import { Ring } from "./allocate/ring.ts";
import { Durable, type Patch } from "./durable.ts";
import { NodePool, type PortKind } from "./nodePool.ts";
import { marksFor, mostPorts } from "./poolSize.ts";

export interface PoolOptions {
  /** Ports are nested in the port of a virtual machine, and need tags. */
  readonly isNested: boolean;
  readonly marks: Marks | undefined;
  /** A number in [0, 1). */
  readonly random: () => number;
}

export type Verdict = "free" | "selected" | "unknown";

/** What a pool is decided from besides its Node and the node's pods. */
export interface PoolSurroundings {
  /** OVN would carry the port's packets now; undefined as long as it has not told. */
  readonly isCarried: (port: PoolPort) => boolean | undefined;
  /** Whether the database holds the port's packets back. */
  readonly isHeldBack: (port: PoolPort) => boolean;
  /** Whether a policy selects the pod: `free` is provably none. */
  readonly verdictOn: (pod: Pod) => Verdict;
  readonly foreignTags: ReadonlySet<number>;
  /** Milliseconds, never going back. */
  readonly now: number;
}

export interface PoolDecision {
  readonly ports: readonly PlannedPort[];
  /** Pods whose port is still closed: a policy selects them, or nobody can say yet. */
  readonly cutOff: readonly { readonly pod: Pod; readonly verdict: Verdict }[];
  readonly problem: string | undefined;
  /** Milliseconds after which to go on, should nothing happen before; undefined when there is nothing to go on with. */
  readonly againMs: number | undefined;
}

interface Known {
  readonly pool: NodePool;
  /** What `next` has decided last. */
  planned: readonly PlannedPort[] | undefined;
  /** Of tags, so that one that came free rests. */
  readonly ring: Ring;
  /** Place -> uid of the pod that it was opened for. */
  readonly opened: Map<number, string>;
  offer: string;
  durable: Durable;
}

export class Pools {
  readonly #options: PoolOptions;
  readonly #names: Names;
  readonly #patch: Patch;
  readonly #addresses: PodAddresses;
  /** node -> its pool */
  readonly #known = new Map<string, Known>();
  readonly #cutOff = new Set<string>();

  constructor(options: PoolOptions, names: Names, patch: Patch, addresses: PodAddresses) {
    this.#options = options;
    this.#names = names;
    this.#patch = patch;
    this.#addresses = addresses;
  }

  /** Takes over what there is of a node's pool. To be called for every node before any choice. */
  adopt(node: Node, site: Site, rows: readonly PoolRow[]): void {
    const offer = poolOfferOf(node);
    const heldBack = new Set(rows.filter((row) => row.isHeldBack).map(({ offset }) => offset));
    const pool = this.#make(site, offer, poolSeenOf(node)?.generation);
    const take = (port: PoolPort, kind: PortKind, state: "offered" | "withdrawn"): void => {
      const fits = (port.tag !== undefined) === this.#options.isNested;
      if (fits && this.#claim(site, port)) pool.adopt(port, kind, state);
      else pool.askAnew();
    };
    // An offer from a restored backup: the port has been made a closed one since, and may be in use as one.
    for (const port of offer?.open ?? [])
      if (heldBack.has(port.offset)) take(port, "closed", "withdrawn");
      else take(port, "open", "offered");
    for (const port of offer?.closed ?? []) take(port, "closed", "offered");
    // Its kind is lost; that of the stricter one is right for both.
    for (const port of offer?.withdrawn ?? []) take(port, "closed", "withdrawn");
    // Of what no offer names nobody knows whether it was one once.
    for (const { offset, tag } of rows) take({ offset, tag }, "closed", "withdrawn");
  }

  /** Where in the node's subnets the pool port is that the pod has; undefined when it has none. */
  placeOf(node: ResolvedNode, pod: Pod): number | undefined {
    const pool = this.#known.get(node.name)?.pool;
    const ip = parseIp(pod.podIps[0] ?? "");
    const offset = ip && offsetIn(node, ip);
    return offset !== undefined && pool?.port(offset) ? offset : undefined;
  }

  /** Goes on with a node's pool as far as is possible now. `pods` are the node's, without those that ended. */
  next(node: Node, resolved: ResolvedNode, pods: Iterable<Pod>, around: PoolSurroundings): PoolDecision {
    const known = this.#of(resolved);
    const holders = new Map<number, Pod>();
    for (const pod of pods) {
      const offset = this.placeOf(resolved, pod);
      if (offset !== undefined) holders.set(offset, pod);
    }
    const marks = marksFor(node.allocatable, this.#options.marks);
    const { problem, againMs } = known.pool.next({
      marks,
      most: mostPorts(node.allocatable, marks, resolved.subnets, this.#options.isNested),
      inUse: new Set(holders.keys()),
      seen: poolSeenOf(node),
      isReady: (port, kind) =>
        around.isHeldBack(port) === (kind === "closed") ? around.isCarried(port) : false,
      foreignTags: around.foreignTags,
      now: around.now,
    });
    const cutOff: { pod: Pod; verdict: Verdict }[] = [];
    known.planned = known.pool.ports.map(({ offset, tag, kind }) => {
      const pod = holders.get(offset);
      const isClosed = kind === "closed" && !this.#isOpened(known, { offset, tag }, pod, around);
      if (pod && isClosed) cutOff.push({ pod, verdict: around.verdictOn(pod) });
      return { offset, tag, isClosed };
    });
    if (cutOff.length > 0) this.#cutOff.add(node.name);
    else this.#cutOff.delete(node.name);
    const label = problem === undefined ? undefined : `pool of node ${node.name}: ${problem}`;
    return { ports: known.planned, cutOff, problem: label, againMs };
  }

  /** What was decided last for the node's pool. */
  planned(node: string): readonly PlannedPort[] | undefined {
    return this.#known.get(node)?.planned;
  }

  /** Nodes with pods whose ports are closed. */
  get cutOff(): Iterable<string> {
    return this.#cutOff;
  }

  /**
   * Writes what `next` has decided to offer, if the Node does not say so already. Rejects, too, when somebody has written
   * the Node since it was seen: an agent that read an old offer late would claim what has been taken away.
   */
  async write(node: Node): Promise<void> {
    const known = this.#known.get(node.name);
    if (known) await this.#write(known, node);
  }

  /** The node's object is gone, and no row of its pool is left. */
  release(node: string): void {
    for (const { offset } of this.#known.get(node)?.pool.ports ?? [])
      this.#addresses.release(holderOf(node, offset));
    this.#known.delete(node);
    this.#cutOff.delete(node);
  }

  /** Whether a closed port lets its pod's packets pass: from when nothing speaks against it, until the pod is gone. */
  #isOpened(
    { opened }: Known,
    port: PoolPort,
    pod: Pod | undefined,
    { isHeldBack, verdictOn }: PoolSurroundings,
  ): boolean {
    if (!pod) {
      opened.delete(port.offset);
      return false;
    }
    // Once the database lets them pass, a former leader has opened it for this pod: another could not have claimed it.
    const isOpen = opened.get(port.offset) === pod.uid || !isHeldBack(port) || verdictOn(pod) === "free";
    if (isOpen) opened.set(port.offset, pod.uid);
    else opened.delete(port.offset);
    return isOpen;
  }

  #write(known: Known, node: Node): Promise<void> | undefined {
    const annotation = poolOfferAnnotation(known.pool.offer);
    const text = Object.values(annotation).join();
    if (text !== known.offer) {
      known.offer = text;
      known.durable = new Durable(this.#patch, annotation, true);
    }
    return known.durable.write(node, () => {
      const stated = poolOfferOf(node);
      return stated ? poolOfferAnnotation(stated) : {};
    });
  }

  #of(node: ResolvedNode): Known {
    const known = this.#known.get(node.name);
    if (known) return known;
    this.#make(node);
    return this.#of(node);
  }

  #make(site: Site, last?: PoolOffer, from?: number): NodePool {
    const pool = new NodePool(
      {
        take: (foreign) => this.#take(site, pool, foreign),
        release: ({ offset }) => this.#addresses.release(holderOf(site.name, offset)),
      },
      newLine(this.#options.random),
      last,
      from,
    );
    const durable = new Durable(this.#patch, {});
    this.#known.set(site.name, {
      pool,
      planned: undefined,
      ring: new Ring(tags.last),
      opened: new Map(),
      offer: "",
      durable,
    });
    return pool;
  }

  /** A place that is free, and a tag that nobody has on the same parent; undefined when either has run out. */
  #take(site: Site, pool: NodePool, foreign: ReadonlySet<number>): PoolPort | undefined {
    const own = new Set(pool.ports.map((port) => port.tag));
    const isFree = (tag: number): boolean => !own.has(tag) && !foreign.has(tag);
    const number = this.#options.isNested
      ? this.#known.get(site.name)?.ring.take((step) => isFree(step + tags.first))
      : undefined;
    if (this.#options.isNested && number === undefined) return undefined;
    const offset = this.#addresses.takeOffset(this.#holderAt(site), site);
    return offset === undefined
      ? undefined
      : { offset, tag: number === undefined ? undefined : number + tags.first };
  }

  #claim(site: Site, { offset }: PoolPort): boolean {
    const network = podNetworkAt(site.subnets, offset);
    return this.#addresses.claim(this.#holderAt(site)(offset), site, network) === undefined;
  }

  #holderAt(site: Site): (offset: number) => Holder {
    return (offset) => ({
      uid: holderOf(site.name, offset),
      port: this.#names.poolPort(site.name, offset),
      label: `pool of node ${site.name}`,
    });
  }
}

/** Who holds a pool port's addresses in the books; no pod's uid looks like it. */
const holderOf = (node: string, offset: number): string => `pool/${node}/${offset}`;

const newLine = (random: () => number): string => Math.floor(random() * 2 ** 48).toString(16);
