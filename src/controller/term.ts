// One time as leader: takes the fence, builds decisions, facts and engine from what Kubernetes and the database hold,
// and works until leadership ends. Nothing is carried from one term into the next: a restart and a change of leader
// are the same thing.

import { setImmediate as nextTurn } from "node:timers/promises";
import { Engine } from "../apply/engine.ts";
import type { EngineEvents } from "../apply/engineEvents.ts";
import { Fence } from "../apply/fence.ts";
import type { PruneLimits } from "../apply/pruneGuard.ts";
import type { Cloud } from "../cloud/cloud.ts";
import { Decider } from "../decide/decider.ts";
import type { Patch } from "../decide/durable.ts";
import type { PoolOptions } from "../decide/pools.ts";
import { Desired } from "../desired/desired.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Clock, Log } from "../kube/clock.ts";
import type { Kind, KindMap } from "../kube/objects.ts";
import type { Store } from "../kube/store.ts";
import type { Owner } from "../model/fact.ts";
import type { ClusterNetwork } from "../model/network.ts";
import { type NorthboundTables, northbound } from "../ovn/northbound.gen.ts";
import type { Replica, Session } from "../ovsdb/index.ts";
import { Hosts } from "../plan/hosts.ts";
import type { Scope } from "../plan/scope.ts";
import { clusterOwner, concerned, goneByWord, ownerOf, poolOwner } from "./owners.ts";
import { NotNow, Planner, type Tell } from "./planner.ts";
import { PolicyProof } from "./policyProof.ts";
import { followClosedSets, poolRows, poolSurroundings } from "./poolSurroundings.ts";
import { OwnerQueue } from "./queue.ts";
import { followRows, ownersOfRows } from "./rows.ts";
import { allReady, type Stores } from "./stores.ts";

export interface TermOptions {
  readonly scope: Scope;
  readonly network: ClusterNetwork;
  readonly cloud: Cloud;
  /** Undefined when every pod gets a port of its own. */
  readonly pools: PoolOptions | undefined;
  readonly client: KubeClient;
  readonly stores: Stores;
  readonly session: Session;
  readonly replica: Replica<NorthboundTables>;
  readonly patch: Patch;
  readonly tell: Tell;
  readonly events: EngineEvents;
  readonly onPlanned: (owner: Owner, ms: number) => void;
  readonly prune: PruneLimits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** How many decisions may wait for the API server at once. */
const concurrency = 64;
const sliceMs = 8;

export class Term {
  readonly #options: TermOptions;
  readonly #fence: Fence | undefined;
  readonly engine: Engine;
  readonly queue: OwnerQueue;
  readonly #desired = new Desired();
  #planner: Planner | undefined;

  /** `holder` is who takes the fence; without one the term can only be run dry. */
  constructor(options: TermOptions, holder: string | undefined) {
    const { scope, session, replica, clock, log, random } = options;
    this.#options = options;
    this.#fence =
      holder === undefined ? undefined : new Fence({ database: northbound, cluster: scope.cluster, holder });
    this.engine = new Engine({
      destination: scope.destination,
      cluster: scope.cluster,
      database: northbound,
      desired: this.#desired,
      session,
      replica,
      ...(this.#fence && { fence: this.#fence }),
      clock,
      log,
      limits: { prune: options.prune },
      events: options.events,
    });
    this.queue = new OwnerQueue({
      work: (owner) => this.#plan(owner),
      concurrency,
      firstBackoffMs: 200,
      maxBackoffMs: 30_000,
      random,
      sliceMs,
    });
  }

  /** Leads until `signal` aborts. Rejects with a FenceLostError when another took the fence. */
  async run(signal: AbortSignal): Promise<void> {
    const { session, replica, log, clock } = this.#options;
    const began = clock.now();
    const ending = new AbortController();
    const both = AbortSignal.any([signal, ending.signal]);
    await session.connected(both);
    await this.#fence?.take(session, replica, both);
    log("info", "took the fence", { epoch: this.#fence?.epoch });
    const stops = await this.#begin(both);
    const working = [this.engine.run(both), this.queue.run(both)];
    const steady = this.#becomeSteady(both).then(
      () => log("info", "steady", { afterMs: Math.round(clock.now() - began) }),
      (error: unknown) => {
        if (!both.aborted) throw error;
      },
    );
    try {
      await Promise.race([Promise.all([...working, steady]), aborted(signal)]);
    } finally {
      ending.abort(new Error("the term is over"));
      for (const stop of stops) stop();
      await Promise.allSettled([...working, steady]);
    }
  }

  /** Plans everything and hands over what would be sent. Decisions are made as they would be, and written nowhere. */
  async dryRun(signal: AbortSignal): ReturnType<Engine["dryRun"]> {
    const ending = new AbortController();
    const both = AbortSignal.any([signal, ending.signal]);
    const stops = await this.#begin(both);
    const working = this.queue.run(both);
    try {
      await this.queue.idle();
      both.throwIfAborted();
      return await this.engine.dryRun(both);
    } finally {
      ending.abort(new Error("the dry run is over"));
      for (const stop of stops) stop();
      await working;
    }
  }

  /** Reads all inputs, and asks for every owner to be planned. */
  async #begin(signal: AbortSignal): Promise<readonly (() => void)[]> {
    const { scope, network, cloud, pools, client, stores, replica, patch, tell, clock, log } = this.#options;
    await allReady(stores, signal);
    await replica.ready(signal);
    const { rows, stop } = followRows(replica, scope.cluster);
    const { engine, queue } = this;
    // First of all, so that what changes while the decider is made is planned again.
    const stops = [
      stop,
      this.#follow("Node", stores.Node),
      this.#follow("Pod", stores.Pod),
      this.#follow("Service", stores.Service),
      this.#follow("EndpointSlice", stores.EndpointSlice),
      stores.NetworkPolicy.subscribe(() => this.#planner?.policiesChanged()),
      cloud.subscribe((owner) => queue.add(owner)),
      followClosedSets(replica, (node) => queue.add(poolOwner(node))),
    ];
    await nextTurn();
    const held = {
      nodes: stores.Node.values(),
      pods: stores.Pod.values(),
      poolRows: poolRows(replica, scope),
    };
    const proof = new PolicyProof({
      client,
      policies: stores.NetworkPolicy,
      onProgress: () => this.#planner?.policiesChanged(),
      log,
      signal,
    });
    this.#planner = new Planner({
      cloud,
      stores,
      decider: await Decider.adopting({ network, names: scope.names, patch, rows, pools }, held),
      around: poolSurroundings(scope, replica, cloud, proof, clock),
      desired: this.#desired,
      hosts: new Hosts(network.pods.map(({ cidr }) => cidr)),
      enqueue: (owner) => queue.add(owner),
      enqueueLater: (owner, delayMs) => queue.addLater(owner, delayMs),
      expectGone: (facts) => engine.expectGone(facts),
      committed: (owner) => engine.committed(owner, signal),
      tell,
    });
    queue.add(clusterOwner);
    for (const node of stores.Node.values()) queue.add(ownerOf(node));
    for (const pod of stores.Pod.values())
      for (const owner of concerned.Pod({ old: undefined, new: pod })) queue.add(owner);
    for (const service of stores.Service.values()) queue.add(ownerOf(service));
    this.#planPoolsWhenHeard(signal);
    return stops;
  }

  /** Until OVN has told of all ports the pools stay as they are. */
  #planPoolsWhenHeard(signal: AbortSignal): void {
    const { cloud, stores } = this.#options;
    const plan = (): void => {
      for (const node of stores.Node.values()) this.queue.add(poolOwner(node.name));
    };
    cloud.heard(signal).then(plan, () => undefined);
  }

  #follow<K extends Kind>(kind: K, store: Store<KindMap[K]>): () => void {
    return store.subscribe((changes) => {
      for (const change of changes) {
        for (const owner of goneByWord(change)) this.#planner?.told(owner);
        for (const owner of concerned[kind](change)) this.queue.add(owner);
      }
    });
  }

  async #becomeSteady(signal: AbortSignal): Promise<void> {
    await this.queue.idle();
    await this.#allPlanned(signal);
    signal.throwIfAborted();
    this.engine.allSynced();
    await this.engine.settled(signal);
  }

  /**
   * Waits for owners that have rows and cannot be planned, such as a node whose subnet is in no configured range. Until
   * they can, what nobody asks for may be theirs.
   */
  async #allPlanned(signal: AbortSignal): Promise<void> {
    const { scope, replica, log } = this.#options;
    const failed = (owner: Owner): boolean => this.queue.hasFailed(owner);
    const unplanned = [...ownersOfRows(replica, scope.cluster)].filter(failed);
    if (unplanned.length === 0) return;
    log("error", "rows that nobody asks for stay until their possible owners can be planned", {
      count: unplanned.length,
      owners: unplanned.slice(0, 10),
    });
    while (!signal.aborted && unplanned.some(failed)) await this.queue.nextIdle();
  }

  async #plan(owner: Owner): Promise<void> {
    const { log, onPlanned, clock } = this.#options;
    const start = clock.now();
    try {
      await this.#planner?.plan(owner);
    } catch (error) {
      if (!(error instanceof NotNow))
        log("warn", "cannot plan; trying again", { owner, error: String(error) });
      throw error;
    }
    onPlanned(owner, clock.now() - start);
  }
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
