// Everything that has been chosen for nodes and pods. Each choice is durable in an annotation before it is used. The
// decider gives the same answer however often it is asked, at no cost if nothing has changed.

import { setImmediate } from "node:timers/promises";
import type { Node, ObjectMeta, Pod } from "../kube/objects.ts";
import type { Names } from "../model/names.ts";
import type { ClusterNetwork, ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { PodPlace, PoolPlace } from "../model/places.ts";
import type { Site } from "../model/site.ts";
import type { NodeRows } from "../observe/nodeRows.ts";
import type { PoolRow } from "../observe/poolRows.ts";
import type { RowAddresses } from "../observe/rowAddresses.ts";
import type { TenantView } from "../observe/tenant.ts";
import { PodAddresses } from "./allocate/addresses.ts";
import type { Patch } from "./durable.ts";
import { type FloatingGrant, FloatingGrants } from "./floatingGrants.ts";
import { NodeLives } from "./nodeLives.ts";
import { Parents } from "./parents.ts";
import { type Places, wantsAddress } from "./places.ts";
import { PodLives } from "./podLives.ts";
import { type PoolOptions, Pools } from "./pools.ts";

export interface DeciderOptions {
  readonly network: ClusterNetwork;
  readonly names: Names;
  readonly patch: Patch;
  /** The caller keeps it up to date. It must be complete before the decider is made. */
  readonly rows: RowAddresses;
  /** If given, new pods get a port from their node's pool instead of one of their own. */
  readonly pools?: PoolOptions | undefined;
  /** The tenant whose machines the nodes are; undefined when OVN runs on the nodes. */
  readonly tenant?: TenantView | undefined;
}

/** All objects, and all pool ports in the database. */
export interface Held {
  readonly nodes: Iterable<Node>;
  readonly pods: Iterable<Pod>;
  readonly poolRows: Iterable<PoolRow>;
  readonly nodeRows: Iterable<NodeRows>;
}

/** Nodes and pods take about 20 µs, so this keeps the event loop free. */
const stepsBetweenYields = 200;

export class Decider implements Places {
  readonly nodeLives: NodeLives;
  readonly podLives: PodLives;
  /** Undefined when every pod gets a port of its own. */
  readonly pools: Pools | undefined;
  /** Undefined when ports are not nested. */
  readonly parents: Parents | undefined;
  readonly grants = new FloatingGrants();

  /** Starts empty: call `adopt` first. */
  constructor({ network, names, patch, rows, pools, tenant }: DeciderOptions) {
    const addresses = new PodAddresses(rows);
    const onForgotten = (name: string): void => this.pools?.release(name);
    this.nodeLives = new NodeLives({ network, patch, onForgotten });
    this.pools = pools && new Pools(pools, names, patch, addresses);
    this.parents = tenant && new Parents(tenant);
    this.podLives = new PodLives({ names, patch, rows, addresses, nodes: this.nodeLives, pools: this.pools });
  }

  /**
   * Takes over what all nodes and pods hold. When two state the same address, the one whose row has it keeps it, otherwise
   * the first by its node's name and its own. Yields, so ask again about objects that change meanwhile.
   */
  async adopt(held: Held): Promise<void> {
    const nodes = [...held.nodes].toSorted(byName);
    const pods = Map.groupBy(held.pods, ({ nodeName }) => nodeName);
    let steps = 0;
    const step = (): Promise<void> | undefined =>
      ++steps % stepsBetweenYields === 0 ? setImmediate() : undefined;
    for (const rows of held.nodeRows) {
      this.nodeLives.adoptRows(rows);
      await step();
    }
    const sites = new Map<string, Site>();
    for (const node of nodes) {
      sites.set(node.name, { name: node.name, subnets: this.nodeLives.adopt(node) });
      await step();
    }
    // To find them, all ports in the database are walked.
    const poolRows = Map.groupBy(this.pools || this.parents ? held.poolRows : [], ({ node }) => node);
    for (const [node, rows] of poolRows) {
      this.parents?.adopt(node, rows);
      if (!sites.has(node)) this.pools?.adoptLater(node, rows);
    }
    for (const node of nodes) {
      const site = sites.get(node.name);
      const rows = poolRows.get(node.name) ?? [];
      if (site && site.subnets.length > 0) this.pools?.adopt(node, site, rows);
      await setImmediate();
    }
    for (const pod of [...pods.values()].flat().filter(wantsAddress)) {
      this.podLives.know(pod);
      await step();
    }
    for (const [name, site] of sites)
      for (const pod of (pods.get(name) ?? []).filter(wantsAddress).toSorted(byName)) {
        this.podLives.adopt(pod, site);
        await step();
      }
  }

  node(name: string): ResolvedNode | undefined {
    return this.nodeLives.get(name);
  }

  nodes(): Iterable<ResolvedNode> {
    return this.nodeLives.values();
  }

  isProven(node: string): boolean {
    return this.nodeLives.isProven(node);
  }

  pod(pod: Pod): PodPlace | undefined {
    return this.podLives.place(pod);
  }

  isBetweenMirrors(namespace: string, name: string): boolean {
    return this.podLives.isBetweenMirrors(namespace, name);
  }

  floating(owner: Owner): FloatingGrant | undefined {
    return this.grants.get(owner);
  }

  pool(name: string): PoolPlace | undefined {
    const ports = this.pools?.planned(name);
    const parent = this.parents?.known(name);
    if (!ports || (this.parents && parent === undefined)) return undefined;
    return { ports, parent };
  }
}

const byName = (a: ObjectMeta, b: ObjectMeta): number =>
  compare(a.namespace, b.namespace) || compare(a.name, b.name);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
