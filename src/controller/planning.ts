// From stores to desired facts, through the real kinds: news becomes owners to plan, owners become facts. It knows no Lease, no
// fence and no engine, so that a term, a dry run and the golden tests plan alike.

import { setImmediate as nextTurn } from "node:timers/promises";
import { Slicer } from "../apply/slicer.ts";
import type { Cloud } from "../cloud/cloud.ts";
import { Decider } from "../decide/decider.ts";
import type { Tell } from "../decide/deciding.ts";
import { decisions } from "../decide/decisions.ts";
import type { Patch } from "../decide/durable.ts";
import { NotNow } from "../decide/errors.ts";
import type { PoolOptions } from "../decide/pools.ts";
import { Desired } from "../desired/desired.ts";
import { ownerKinds } from "../kinds/kinds.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Clock, Log } from "../kube/clock.ts";
import type { Kind, KubeObject } from "../kube/kinds.ts";
import type { Change } from "../kube/store.ts";
import { everyStore, type Stores } from "../kube/stores.ts";
import type { ClusterNetwork } from "../model/network.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { AnyConcerns } from "../observe/concerns.ts";
import type { Observed } from "../observe/observed.ts";
import { Hosts, hostViewOf } from "../plan/hosts.ts";
import { type Applied, Planner, type PlannerTell } from "./planner.ts";
import { OwnerQueue } from "./queue.ts";

export interface PlanningOptions {
  readonly scope: Scope;
  readonly network: ClusterNetwork;
  readonly cloud: Cloud;
  /** Undefined when every pod gets a port of its own. */
  readonly pools: PoolOptions | undefined;
  readonly client: KubeClient;
  readonly stores: Stores;
  readonly observed: Observed;
  readonly patch: Patch;
  readonly tell: Tell & PlannerTell;
  readonly onPlanned: (owner: Owner, ms: number) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** How many decisions may wait for the API server at once. */
const concurrency = 64;
const sliceMs = 8;

export class Planning {
  readonly desired = new Desired();
  readonly queue: OwnerQueue;
  readonly #options: PlanningOptions;
  readonly #applied: Applied;
  readonly #hosts: Hosts;
  #planner: Planner | undefined;

  constructor(options: PlanningOptions, applied: Applied) {
    this.#options = options;
    this.#applied = applied;
    this.#hosts = new Hosts(options.network.pods.map(({ cidr }) => cidr));
    this.queue = new OwnerQueue({
      work: (owner) => this.#plan(owner),
      concurrency,
      firstBackoffMs: 200,
      maxBackoffMs: 30_000,
      random: options.random,
      sliceMs,
    });
  }

  /** The object that the owner speaks for, if it is there. */
  objectOf(owner: Owner): KubeObject | undefined {
    return this.#planner?.objectOf(owner);
  }

  /**
   * Asks for every owner to be planned, and again whenever something changes until `signal` aborts. The stores and what is
   * observed must be complete.
   */
  async begin(signal: AbortSignal): Promise<void> {
    const { scope, network, cloud, pools, stores, observed, patch, tell, clock } = this.#options;
    const { queue } = this;
    const decider = new Decider({
      network,
      names: scope.names,
      patch,
      rows: observed.addresses,
      pools,
      tenant: observed.tenant,
    });
    const decides = decisions({
      ...this.#options,
      decider,
      names: scope.names,
      carriedFrom: cloud.carriedFrom,
      enqueue: (owner) => queue.add(owner),
      enqueueLater: (owner, delayMs) => queue.addLater(owner, delayMs),
      signal,
    });
    this.#planner = new Planner({
      kinds: ownerKinds,
      decides,
      context: { scope, network, cloud, stores, places: decider, hosts: this.#hosts },
      desired: this.desired,
      applied: this.#applied,
      tell,
    });
    // First of all, so that what changes while the decider adopts is planned again.
    const all = [...ownerKinds, ...decides];
    this.#follow(this.#planner, all, decider, signal);
    await nextTurn();
    await decider.adopt({
      nodes: stores.Node.values(),
      pods: stores.Pod.values(),
      poolRows: observed.poolRows(),
    });
    for (const { always = [] } of ownerKinds) for (const owner of always) queue.add(owner);
    const slicer = new Slicer(clock.now);
    for (const store of everyStore(stores))
      for (const object of store.values()) {
        for (const owner of ownersConcerned(all, { old: undefined, new: object }, stores)) queue.add(owner);
        if (slicer.due) await slicer.pause();
      }
  }

  #follow(planner: Planner, all: readonly AnyConcerns[], decider: Decider, signal: AbortSignal): void {
    const { stores, observed } = this.#options;
    const { queue } = this;
    const stops = everyStore(stores).map((store) =>
      store.subscribe((changes) => {
        for (const change of changes) {
          for (const owner of goneByWord(change)) planner.told(owner);
          for (const owner of ownersConcerned(all, change, stores)) queue.add(owner);
        }
      }),
    );
    const stopNodes = decider.nodeLives.subscribe((name, before, after) => {
      for (const owner of this.#hosts.set(name, after && hostViewOf(after))) queue.add(owner);
      for (const { nodes } of all) {
        if (!nodes || (before && nodes.view(before)) === (after && nodes.view(after))) continue;
        for (const owner of nodes.owners(name, stores, before, after)) queue.add(owner);
      }
    });
    observed.subscribe((sighting) => {
      for (const concerns of all)
        for (const owner of concerns.sees?.(sighting, stores) ?? []) queue.add(owner);
    }, signal);
    signal.addEventListener("abort", () => {
      for (const stop of [...stops, stopNodes]) stop();
    });
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

/** The owners whose own object is gone, and not only missing from a list. */
function* goneByWord({ old, told }: Change<KubeObject>): Iterable<Owner> {
  if (!told || !old) return;
  for (const kind of ownerKinds) if (kind.of === old.kind) yield ownerOf(kind.name, old.name, old.namespace);
}

function* ownersConcerned(
  all: readonly AnyConcerns[],
  change: Change<KubeObject>,
  stores: Stores,
): Iterable<Owner> {
  const kind = (change.new ?? change.old)?.kind;
  if (kind === undefined) return;
  for (const { reads } of all) yield* readsOf(reads, kind)(change, stores);
}

/** What is read of the kind, as a function of any change: a store of a kind holds that kind's objects only. */
const readsOf = (
  reads: AnyConcerns["reads"],
  kind: Kind,
): ((change: Change<KubeObject>, stores: Stores) => Iterable<Owner>) =>
  (reads[kind] ?? nothing) as (change: Change<KubeObject>, stores: Stores) => Iterable<Owner>;

const nothing = (): readonly Owner[] => [];
