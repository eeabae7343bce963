// From stores to desired facts, through the real kinds: news becomes owners to plan, and owners become facts. It needs
// no Lease, fence or engine, so a term, a dry run and the golden tests all plan alike.

import { setImmediate as nextTurn } from "node:timers/promises";
import { Slicer } from "../apply/slicer.ts";
import { Decider } from "../decide/decider.ts";
import { decisions } from "../decide/decisions.ts";
import { NotNow } from "../decide/errors.ts";
import { concernedBy } from "../decide/floatingDecision.ts";
import { inLanes } from "../decide/lanes.ts";
import { Desired } from "../desired/desired.ts";
import { nameKind } from "../kinds/groups.ts";
import { ownerKinds } from "../kinds/kinds.ts";
import { lateFlush } from "../kinds/lateFlush.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { everyStore } from "../kube/stores.ts";
import { type Owner, ownerOf, parseOwner } from "../model/owner.ts";
import { rowUuid } from "../model/uuid.ts";
import { Hosts, hostViewOf, provenHostView } from "../plan/hosts.ts";
import { Concerned } from "./concerned.ts";
import { Doubts } from "./doubts.ts";
import { Grouping } from "./grouping.ts";
import { LateFlush } from "./lateFlush.ts";
import { LearnedNames } from "./learnedNames.ts";
import { Planner } from "./planner.ts";
import type { PlanningApplied, PlanningOptions } from "./planningOptions.ts";
import type { PolicyStates } from "./policyStates.ts";
import { PolicyWork } from "./policyWork.ts";
import { OwnerQueue } from "./queue.ts";
import { Seeking } from "./seeking.ts";
import { UnseenPods } from "./unseenPods.ts";

/** How many choices for one kind of object may be on their way to the API server at once. */
const writesAtOnce = 64;
const sliceMs = 8;
/** Owners that exist without an object. The rows of all others refer to theirs. */
const ownersOfAll: ReadonlySet<Owner> = new Set(ownerKinds.flatMap(({ always = [] }) => always));

export class Planning {
  readonly desired = new Desired();
  readonly queue: OwnerQueue;
  /** Is told which endpoints balancers lose. */
  readonly lateFlush: LateFlush;
  readonly #options: PlanningOptions;
  readonly #applied: PlanningApplied;
  readonly #hosts: Hosts;
  #planner: Planner | undefined;
  #grouping: Grouping | undefined;
  #policies: PolicyWork | undefined;
  #unseen: UnseenPods | undefined;
  #learned: LearnedNames | undefined;
  #decider: Decider | undefined;

  constructor(options: PlanningOptions, applied: PlanningApplied) {
    this.#options = options;
    this.#applied = applied;
    this.#hosts = new Hosts(options.network.pods.map(({ cidr }) => cidr));
    this.queue = new OwnerQueue({
      isFirst: (owner) => ownersOfAll.has(owner),
      work: (owner) => this.#plan(owner),
      firstBackoffMs: 200,
      maxBackoffMs: 30_000,
      random: options.random,
      sliceMs,
    });
    const { scope, clock, log } = options;
    this.lateFlush = new LateFlush({
      clock,
      row: rowUuid(scope.cluster, "Load_Balancer", scope.names.lateFlush),
      state: async () => {
        await this.#plan(lateFlush);
        await applied.committed(lateFlush);
      },
      onError: (error) =>
        log("debug", "connections were not flushed a second time", { error: String(error) }),
    });
  }

  /** The object that the owner stands for, if it exists. */
  objectOf(owner: Owner): KubeObject | undefined {
    return this.#planner?.objectOf(owner);
  }

  /** Which policies are in force; undefined before that is followed. */
  get policies(): PolicyStates | undefined {
    return this.#policies?.states;
  }

  /**
   * Plans every owner, and again whenever something changes, until `signal` aborts. The stores and what is observed
   * must be complete.
   */
  async begin(signal: AbortSignal): Promise<void> {
    const { scope, network, cloud, pools, stores, observed, patch, tell, clock, log } = this.#options;
    const { queue } = this;
    const decider = (this.#decider = new Decider({
      network,
      names: scope.names,
      patch: inLanes(patch, writesAtOnce),
      rows: observed.addresses,
      pools,
      tenant: observed.tenant,
    }));
    const grouping = (this.#grouping = new Grouping({
      stores,
      places: decider,
      names: scope.names,
      podRanges: network.pods.map(({ cidr }) => cidr),
      enqueue: (owner) => queue.add(owner),
      planned: () => queue.idle(),
      withRows: () => observed.owners(),
      now: clock.now,
      onError: (error) =>
        log("error", "cannot keep the groups of policies up to date", { error: String(error) }),
    }));
    const policies = (this.#policies = new PolicyWork({
      ...this.#options,
      grouping,
      applied: this.#applied,
      planner: () => this.#planner,
      queue,
      signal,
    }));
    const learned = (this.#learned = new LearnedNames({
      ...{ stores, network, places: decider, groups: grouping.groups, observed, clock, log, signal },
      enqueue: (owner) => queue.add(owner),
      installed: this.#applied.reach?.installed,
      write: this.#applied.reach && this.#options.writeLearned,
    }));
    const doubts = new Doubts({
      ...this.#options,
      again: (owner, delayMs) => queue.addLater(owner, delayMs),
    });
    const decides = decisions({
      ...this.#options,
      tell: {
        ...tell,
        decided: (pod) => {
          grouping.placed(pod);
          // Their plans need the pod's place, and could have come before it.
          for (const owner of concernedBy(pod, stores.FloatingAddress)) queue.add(owner);
          tell.decided(pod);
        },
      },
      decider,
      names: scope.names,
      carriedFrom: cloud.carriedFrom,
      policing: policies.policing,
      mayExist: async (pod, owner) => (await doubts.absence({ kind: "Pod", ...pod }, owner)) === "untrusted",
      enqueueLater: (owner, delayMs) => queue.addLater(owner, delayMs),
      signal,
    });
    const seeking = new Seeking({
      ...this.#options,
      enqueue: (owner) => queue.add(owner),
      signal,
    });
    this.#planner = new Planner({
      kinds: ownerKinds,
      decides,
      context: {
        scope,
        network,
        cloud,
        stores,
        places: decider,
        hosts: this.#hosts,
        groups: grouping.groups,
        learned: (group) => learned.addresses(group),
        standingOf: (pod) => grouping.standings.of(pod),
        machinePort: (name) => observed.machinePort(name),
        gone: () => this.lateFlush.now,
      },
      desired: this.desired,
      applied: this.#applied,
      absence: (object, owner) => doubts.absence(object, owner),
      outdated: (object, reads) => doubts.outdated(object, reads),
      seek: (owner, sought) => seeking.seek(owner, sought),
      tell,
      onReleaseEnded: (owner, error) => {
        if (!signal.aborted) log("error", "cannot release what was chosen for an owner", { owner, error });
      },
    });
    // Subscribes before anything else, so that what changes while the decider adopts is planned again, after everything
    // that exists.
    const early = new Set<Owner>();
    let enqueue = (owner: Owner): void => void early.add(owner);
    const concerned = new Concerned([...ownerKinds, ...decides], stores);
    this.#follow(concerned, decider, (owner) => enqueue(owner), signal);
    await nextTurn();
    await this.#adopt(decider);
    await grouping.begin(signal);
    learned.begin();
    policies.begin(() => decider.nodes());
    this.#unseen = new UnseenPods(
      {
        ...this.#options,
        need: (what) => grouping.groups.unconfirmed.add(what),
        needNamespace: (name) => grouping.confirming.needNamespace(name),
        confirm: (what) => {
          grouping.confirming.confirm(what);
          policies.look();
        },
        signal,
      },
      pools ? observed.groupedPoolPorts() : [],
    );
    enqueue = (owner) => queue.add(owner);
    await this.#enqueueAll(concerned);
    for (const owner of early) if (this.#planner.knows(owner)) queue.add(owner);
    await this.foundRowsOf(observed.owners());
  }

  /** Takes over what rows and objects say about earlier choices. */
  async #adopt(decider: Decider): Promise<void> {
    const { stores, observed } = this.#options;
    const nodeRows = observed.nodeRows();
    await nextTurn();
    for (const rows of nodeRows) this.#hosts.set(rows.node, provenHostView(rows));
    await decider.adopt({
      nodes: stores.Node.values(),
      pods: stores.Pod.values(),
      poolRows: observed.poolRows(),
      nodeRows,
    });
  }

  /** Queues the owners of everything that exists. */
  async #enqueueAll(concerned: Concerned): Promise<void> {
    const { stores, clock } = this.#options;
    for (const owner of ownersOfAll) this.queue.add(owner);
    // All nodes come first, because what is decided and planned for others depends on them. In the order of objects, the owners that
    // the first node concerns would come before the second node.
    for (const { name } of stores.Node.values()) this.queue.add(ownerOf("node", name));
    const slicer = new Slicer(clock.now);
    for (const store of everyStore(stores))
      for (const object of store.values()) {
        for (const owner of concerned.byObject({ old: undefined, new: object })) this.queue.add(owner);
        if (slicer.due) await slicer.pause();
      }
  }

  /** Plans owners with rows too. If they have no object, what was chosen for them is released with their rows. */
  async foundRowsOf(owners: Iterable<Owner>): Promise<void> {
    const slicer = new Slicer(this.#options.clock.now);
    for (const owner of owners) {
      if (slicer.due) await slicer.pause();
      if (!this.#planner?.knows(owner)) continue;
      this.#planner.foundRowsOf(owner);
      this.queue.add(owner);
    }
  }

  /** Whether each of these owners that stands for an object has it. */
  hasAllOf(owners: Iterable<Owner>): boolean {
    const planner = this.#planner;
    return planner !== undefined && [...owners].every((owner) => planner.hasItsObject(owner));
  }

  /** Plans what was put off because the API server was in doubt; resolves when everything is planned. */
  async replanned(): Promise<void> {
    for (const owner of this.#planner?.takePutOff() ?? []) this.queue.add(owner);
    await this.queue.idle();
  }

  /** A person has decided about what is held: no object is asked for any more. */
  stopAsking(): void {
    this.#planner?.stopAsking();
  }

  #follow(
    concerned: Concerned,
    decider: Decider,
    enqueue: (owner: Owner) => void,
    signal: AbortSignal,
  ): void {
    const { stores, observed } = this.#options;
    const stops = everyStore(stores).map((store) =>
      store.subscribe((changes) => {
        for (const change of changes) {
          for (const owner of concerned.byObject(change)) enqueue(owner);
        }
      }),
    );
    const stopNodes = decider.nodeLives.subscribe((name, before, after) => {
      for (const owner of this.#hosts.set(name, after && hostViewOf(after))) enqueue(owner);
      for (const owner of concerned.byNode(name, before, after)) enqueue(owner);
      this.#learned?.nodeChanged(before, after);
    });
    observed.subscribe((sighting) => {
      if (sighting.what === "groups") this.#policies?.look();
      for (const owner of concerned.bySighting(sighting)) enqueue(owner);
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
      this.#grouping?.groups.unconfirmed.asked(owner);
      if (this.#planner?.isConfirmed(owner)) this.#grouping?.confirming.confirm(owner);
      const object = this.objectOf(owner);
      if (object?.kind === "Pod" && this.#decider?.pod(object)) this.#unseen?.planned(object);
      this.#policies?.planned(owner, object);
      const { kind, name } = parseOwner(owner);
      if (kind === nameKind.name) this.#learned?.planned(this.#grouping?.groups.nameGroup(name));
    } catch (error) {
      if (!(error instanceof NotNow))
        log("warn", "cannot plan; trying again", { owner, error: String(error) });
      throw error;
    }
    onPlanned(owner, clock.now() - start);
  }
}
