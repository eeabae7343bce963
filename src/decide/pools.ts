// The pools of ready ports of all nodes. A port's addresses come from the same allocator as those of single pods; its
// VLAN tag is a free one on the parent port. Finds which ports living pods have.

import type { Marks } from "../config/poolMarks.ts";
import { poolOfferAnnotation, poolOfferOf, poolSeenOf } from "../kube/annotations.ts";
import type { Node, Pod } from "../kube/objects.ts";
import { parseIp } from "../model/ip.ts";
import type { Names } from "../model/names.ts";
import { podNetworkAt, type ResolvedNode } from "../model/network.ts";
import type { PlannedPort } from "../model/places.ts";
import { type PoolOffer, type PoolPort, tags } from "../model/pool.ts";
import { offsetIn, type Site } from "../model/site.ts";
import type { PoolRow } from "../observe/poolRows.ts";
import type { Holder, PodAddresses } from "./allocate/addresses.ts";
import { Ring } from "./allocate/ring.ts";
import { Durable, type Patch } from "./durable.ts";
import { NodePool } from "./nodePool.ts";
import { OpenedPorts, type OpeningInputs } from "./openedPorts.ts";
import { marksFor, mostPorts } from "./poolSize.ts";
import { provenPorts } from "./provenPorts.ts";

export interface PoolOptions {
  /** Ports are nested in the port of a virtual machine, and need tags. */
  readonly isNested: boolean;
  readonly marks: Marks | undefined;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** What a pool is decided from, apart from its Node and the node's pods. */
export interface PoolSurroundings extends OpeningInputs {
  /** Whether OVN would carry the port's packets now; undefined while OVN has not listed its ports. */
  readonly isCarried: (port: PoolPort) => boolean | undefined;
  /** Whether no group of policies has the port, or its addresses. */
  readonly isForgotten: (port: PoolPort) => boolean;
  readonly foreignTags: ReadonlySet<number>;
  /** Milliseconds on a clock that never goes back. */
  readonly now: number;
}

export interface PoolDecision {
  readonly ports: readonly PlannedPort[];
  readonly problem: string | undefined;
  /** Milliseconds after which to go on if nothing happens before; undefined when there is nothing left to do. */
  readonly againMs: number | undefined;
}

interface Known {
  readonly pool: NodePool;
  /** What `next` decided last. */
  planned: readonly PlannedPort[] | undefined;
  /** Hands out tags, so that a freed one rests. */
  readonly ring: Ring;
  readonly opened: OpenedPorts;
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
  /** Node that is not listed -> what rows prove of its pool */
  readonly #unlisted = new Map<string, readonly PoolRow[]>();

  constructor(options: PoolOptions, names: Names, patch: Patch, addresses: PodAddresses) {
    this.#options = options;
    this.#names = names;
    this.#patch = patch;
    this.#addresses = addresses;
  }

  /** Takes over what exists of a node's pool. Call this for every node before any choice. */
  adopt(node: Node, site: Site, rows: readonly PoolRow[]): void {
    const offer = poolOfferOf(node);
    const passing = rows.filter(({ isHeldBack }) => !isHeldBack).map(({ offset }) => offset);
    const pool = this.#make(site, new OpenedPorts(passing), offer, poolSeenOf(node)?.generation);
    for (const { port, kind, state } of provenPorts(offer, rows)) {
      const fits = (port.tag !== undefined) === this.#options.isNested;
      if (fits && this.#claim(site, port)) pool.adopt(port, kind, state);
      else pool.askAnew();
    }
  }

  /** The node is not listed. If it exists after all, its pool is taken over when it is seen. */
  adoptLater(node: string, rows: readonly PoolRow[]): void {
    this.#unlisted.set(node, rows);
  }

  /** The offset of the pool port that the pod has; undefined when it has none. */
  placeOf(node: ResolvedNode, pod: Pod): number | undefined {
    const ip = parseIp(pod.podIps[0] ?? "");
    const offset = ip && offsetIn(node, ip);
    return offset !== undefined && this.#hasPort(node.name, offset) ? offset : undefined;
  }

  #hasPort(node: string, offset: number): boolean {
    const rows = this.#unlisted.get(node);
    return rows ? rows.some((row) => row.offset === offset) : !!this.#known.get(node)?.pool.port(offset);
  }

  /** Advances a node's pool as far as is possible now. `pods` are those of the node that have not ended. */
  next(node: Node, resolved: ResolvedNode, pods: Iterable<Pod>, around: PoolSurroundings): PoolDecision {
    const known = this.#of(node, resolved);
    const holders = new Map<number, Pod>();
    for (const pod of pods) {
      const offset = this.placeOf(resolved, pod);
      if (offset !== undefined) holders.set(offset, pod);
    }
    const marks = marksFor(node.allocatable, this.#options.marks);
    for (const offset of [...holders.keys(), ...(poolSeenOf(node)?.spent ?? [])]) known.opened.settle(offset);
    const { problem, againMs } = known.pool.next({
      marks,
      most: mostPorts(node.allocatable, marks, resolved.subnets, this.#options.isNested),
      inUse: new Set(holders.keys()),
      seen: poolSeenOf(node),
      isReady: (port, kind) =>
        around.isHeldBack(port) === (kind === "closed") ? around.isCarried(port) : false,
      isForgotten: around.isForgotten,
      foreignTags: around.foreignTags,
      now: around.now,
    });
    for (const offset of known.opened.inherited) {
      const port = known.pool.port(offset);
      // One that is made again has been given back by the agent.
      if (!port || port.state === "new") known.opened.settle(offset);
    }
    known.planned = known.pool.ports.map(({ offset, tag, kind }) => {
      const pod = holders.get(offset);
      const isClosed = kind === "closed" && !known.opened.decide({ offset, tag }, pod, around);
      return { offset, tag, isClosed };
    });
    const label = problem === undefined ? undefined : `pool of node ${node.name}: ${problem}`;
    return { ports: known.planned, problem: label, againMs };
  }

  /** What was decided last for the node's pool. */
  planned(node: string): readonly PlannedPort[] | undefined {
    return this.#known.get(node)?.planned;
  }

  /**
   * Writes the offer that `next` decided, unless the Node already has it. Also rejects when somebody has written the
   * Node since it was last seen: an agent that reads an old offer late would claim a port that has been taken away.
   */
  async write(node: Node): Promise<void> {
    const known = this.#known.get(node.name);
    if (known) await this.#write(known, node);
  }

  /** The Node object is gone, and its pool has no rows left. */
  release(node: string): void {
    for (const { offset } of this.#known.get(node)?.pool.ports ?? [])
      this.#addresses.release(holderOf(node, offset));
    this.#known.delete(node);
    this.#unlisted.delete(node);
  }

  #write(known: Known, node: Node): Promise<void> | undefined {
    const annotation = poolOfferAnnotation(known.pool.offer);
    const text = Object.values(annotation).join();
    if (text !== known.offer) {
      known.offer = text;
      known.durable = new Durable(this.#patch, true);
    }
    return known.durable.write(node, annotation, () => {
      const stated = poolOfferOf(node);
      return stated ? poolOfferAnnotation(stated) : {};
    });
  }

  #of(node: Node, resolved: ResolvedNode): Known {
    const rows = this.#unlisted.get(node.name);
    this.#unlisted.delete(node.name);
    if (rows) this.adopt(node, resolved, rows);
    const known = this.#known.get(node.name);
    if (known) return known;
    this.#make(resolved, new OpenedPorts([]));
    return this.#of(node, resolved);
  }

  #make(site: Site, opened: OpenedPorts, last?: PoolOffer, from?: number): NodePool {
    const pool = new NodePool(
      {
        take: (foreign) => this.#take(site, pool, foreign),
        release: ({ offset }) => this.#addresses.release(holderOf(site.name, offset)),
      },
      newLine(this.#options.random),
      last,
      from,
    );
    const durable = new Durable(this.#patch);
    this.#known.set(site.name, {
      pool,
      planned: undefined,
      ring: new Ring(tags.last),
      opened,
      offer: "",
      durable,
    });
    return pool;
  }

  /** Takes a free place, and a tag that nobody uses on the same parent; undefined when either has run out. */
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

/** The holder of a pool port's addresses. It cannot be confused with a pod's uid. */
const holderOf = (node: string, offset: number): string => `pool/${node}/${offset}`;

const newLine = (random: () => number): string => Math.floor(random() * 2 ** 48).toString(16);
