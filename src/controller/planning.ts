// From stores to desired facts, through the real kinds: news becomes owners to plan, and owners become facts. It needs
// no Lease, fence or engine, so a term, a dry run and the golden tests all plan alike.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Appliers } from "../apply/appliers.ts";
import { Slicer } from "../apply/slicer.ts";
import type { Cloud } from "../cloud/cloud.ts";
import { Decider } from "../decide/decider.ts";
import type { FloatingTell, ServiceTell, Tell } from "../decide/deciding.ts";
import { decisions, type WriteFloating } from "../decide/decisions.ts";
import type { Patch } from "../decide/durable.ts";
import { NotNow } from "../decide/errors.ts";
import { inLanes } from "../decide/lanes.ts";
import { PolicyProof } from "../decide/policyProof.ts";
import type { PoolOptions } from "../decide/pools.ts";
import type { WriteServiceStatus } from "../decide/serviceDecision.ts";
import { Desired } from "../desired/desired.ts";
import type { Word } from "../desired/word.ts";
import { ownerKinds } from "../kinds/kinds.ts";
import { lateFlush } from "../kinds/lateFlush.ts";
import { policyKindOf } from "../kinds/policies.ts";
import { askFor } from "../kube/absence.ts";
import type { ApiServer } from "../kube/apiServer.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Clock, Log } from "../kube/clock.ts";
import { type Kind, type KubeObject, kinds } from "../kube/kinds.ts";
import { everyStore, putUnlessThere, type Stores } from "../kube/stores.ts";
import type { Cidr } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import type { Observed } from "../observe/observed.ts";
import { Hosts, hostViewOf, provenHostView } from "../plan/hosts.ts";
import { Concerned } from "./concerned.ts";
import { Grouping } from "./grouping.ts";
import { LateFlush } from "./lateFlush.ts";
import { type Applied, type Enforced, type ObjectName, Planner, type PlannerTell } from "./planner.ts";
import { PodPolicing } from "./podPolicing.ts";
import { PolicyConditions } from "./policyConditions.ts";
import { PolicyMembers } from "./policyMembers.ts";
import type { PolicyNews } from "./policyNews.ts";
import { PolicyStates } from "./policyStates.ts";
import { OwnerQueue } from "./queue.ts";
import { Seeking } from "./seeking.ts";
import { UnseenPods } from "./unseenPods.ts";

export interface PlanningOptions {
  readonly scope: Scope;
  readonly network: ClusterNetwork;
  readonly cloud: Cloud;
  /** Undefined when every pod gets a port of its own. */
  readonly pools: PoolOptions | undefined;
  readonly client: KubeClient;
  /** The server that `client` talks to and that fills the stores. */
  readonly server: ApiServer;
  readonly stores: Stores;
  readonly observed: Observed;
  readonly patch: Patch;
  /** What a Service may have as external IP. */
  readonly externalIps: readonly Cidr[];
  readonly writeServiceStatus: WriteServiceStatus;
  readonly writeFloating: WriteFloating;
  readonly tell: Tell & ServiceTell & FloatingTell & PlannerTell;
  readonly onPlanned: (owner: Owner, ms: number) => void;
  /** Undefined when nobody wants to know which policies are in force. */
  readonly policyNews?: PolicyNews;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** How many choices of one kind may be on their way to the API server at once. */
const writesAtOnce = 64;
const sliceMs = 8;
const untilAskedAgainMs = 30_000;
/** What owners of all other kinds build upon. */
const ownersOfAll: ReadonlySet<Owner> = new Set(ownerKinds.flatMap(({ always = [] }) => always));

export interface PlanningApplied extends Applied {
  /** Undefined when nothing is sent: then no pod waits for its policies, and nobody is told of them. */
  readonly reach?: Pick<Enforced, "installed"> & Pick<Appliers, "isCommitted" | "mark">;
}

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
  #policing: PodPolicing | undefined;
  #policies: PolicyStates | undefined;
  #conditions: PolicyConditions | undefined;
  #unseen: UnseenPods | undefined;
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
      onError: (error) => log("debug", "connections are not flushed again", { error: String(error) }),
    });
  }

  /** The object that the owner stands for, if it exists. */
  objectOf(owner: Owner): KubeObject | undefined {
    return this.#planner?.objectOf(owner);
  }

  /** Which policies are in force; undefined before that is followed. */
  get policies(): PolicyStates | undefined {
    return this.#policies;
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
    this.#policing = this.#police(grouping, signal);
    const decides = decisions({
      ...this.#options,
      tell: {
        ...tell,
        decided: (pod) => {
          grouping.placed(pod);
          tell.decided(pod);
        },
      },
      decider,
      names: scope.names,
      carriedFrom: cloud.carriedFrom,
      policing: this.#policing,
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
        standingOf: (pod) => grouping.standings.of(pod),
        machinePort: (name) => observed.machinePort(name),
        gone: () => this.lateFlush.now,
      },
      desired: this.desired,
      applied: this.#applied,
      absence: (object, owner) => this.#absence(object, owner),
      outdated: (object, reads) => this.#outdated(object, reads),
      seek: (owner, sought) => seeking.seek(owner, sought),
      tell,
      onReleaseEnded: (owner, error) => {
        if (!signal.aborted) log("error", "cannot release what was chosen for an owner", { owner, error });
      },
    });
    // Comes first, so that whatever changes while the decider adopts is planned again, after everything that exists.
    const early = new Set<Owner>();
    let enqueue = (owner: Owner): void => void early.add(owner);
    const concerned = new Concerned([...ownerKinds, ...decides], stores);
    this.#follow(concerned, decider, (owner) => enqueue(owner), signal);
    await nextTurn();
    const nodeRows = observed.nodeRows();
    await nextTurn();
    for (const rows of nodeRows) this.#hosts.set(rows.node, provenHostView(rows));
    await decider.adopt({
      nodes: stores.Node.values(),
      pods: stores.Pod.values(),
      poolRows: observed.poolRows(),
      nodeRows,
    });
    await grouping.begin(signal);
    this.#followPolicies(grouping, decider, signal);
    this.#unseen = new UnseenPods(
      {
        ...this.#options,
        await: (what) => grouping.groups.await(what),
        awaitNamespace: (name) => grouping.awaitNamespace(name),
        heardOf: (what) => {
          grouping.heardOf(what);
          this.#policing?.look();
        },
        signal,
      },
      pools ? observed.groupedPoolPorts() : [],
    );
    enqueue = (owner) => queue.add(owner);
    for (const owner of ownersOfAll) queue.add(owner);
    // Nodes come first in the list of kinds, because the plans of others depend on them.
    const slicer = new Slicer(clock.now);
    for (const store of everyStore(stores))
      for (const object of store.values()) {
        for (const owner of concerned.byObject({ old: undefined, new: object })) queue.add(owner);
        if (slicer.due) await slicer.pause();
      }
    for (const owner of early) if (this.#planner.knows(owner)) queue.add(owner);
    await this.foundRowsOf(observed.owners());
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
    });
    observed.subscribe((sighting) => {
      if (sighting.what === "groups") this.#policing?.look();
      for (const owner of concerned.bySighting(sighting)) enqueue(owner);
    }, signal);
    signal.addEventListener("abort", () => {
      for (const stop of [...stops, stopNodes]) stop();
    });
  }

  #police({ groups, standings }: Grouping, signal: AbortSignal): PodPolicing | undefined {
    const { client, server, stores, observed, tell, clock, log } = this.#options;
    const { committed, reach } = this.#applied;
    if (!reach) return undefined;
    const { installed, isCommitted } = reach;
    const proof = new PolicyProof({ client, server, stores, clock, log, signal });
    const queue = {
      isPlanned: (owner: Owner) => this.#planner?.isPlanned(owner) === true && !this.queue.isWaiting(owner),
      enqueue: (owner: Owner) => this.queue.add(owner),
    };
    return new PodPolicing({
      ...{ stores, groups, observed, proof, tell, clock, log, signal, ...queue },
      standingOf: (pod) => standings.of(pod),
      members: new PolicyMembers({
        groups,
        observed,
        machinesOf: this.#machinesOf,
        isCommitted,
        clock,
        signal,
        ...queue,
      }),
      enforced: { committed, installed },
    });
  }

  #followPolicies({ groups }: Grouping, decider: Decider, signal: AbortSignal): void {
    const { stores, observed, policyNews: news, clock, log } = this.#options;
    const { reach } = this.#applied;
    if (!reach || !news) return;
    const nodeOf = (chassis: string): string | undefined =>
      [...decider.nodes()].find(({ chassisId }) => chassisId === chassis)?.name;
    this.#policies = new PolicyStates(
      {
        ...{ kinds: ownerKinds, stores, groups, observed, nodeOf, news, clock, log },
        isPlanned: (owner) => this.#planner?.isPlanned(owner) === true,
        enqueue: (owner) => this.queue.add(owner),
        machinesOf: this.#machinesOf,
        isCommitted: reach.isCommitted,
        mark: reach.mark,
        onState: (owner) => this.#conditions?.look(owner),
      },
      signal,
    );
    this.#conditions = new PolicyConditions({
      ...{ stores, write: news.condition, clock, log, signal },
      stateOf: (owner) => this.#policies?.stateOf(owner),
      shortfallOf: (owner) => this.#planner?.shortfallOf(owner),
    });
    this.#policies.begin((owner) => observed.hasRows(owner));
  }

  readonly #machinesOf = (policy: Owner): readonly string[] => {
    const { kind, name } = parseOwner(policy);
    if (policyKindOf(kind) !== "SecurityProfile") return [];
    return this.#options.stores.SecurityProfile.get("", name)?.ports ?? [];
  };

  /** An object that only rows are known of is asked for by name: the list may have left it out. */
  async #absence({ kind, namespace, name }: ObjectName, owner: Owner): Promise<Word> {
    const { client, server, stores, log } = this.#options;
    const answer = await askFor(client, server, kinds[kind], namespace, name).catch((error: unknown) => {
      throw new NotNow(
        `${owner} has rows but no object, and the API server does not answer about it: ${String(error)}`,
      );
    });
    if (answer.is === "there") putUnlessThere(stores, kind, answer.raw);
    if (answer.is === "there" || (answer.is === "gone" && server.isProven)) return "said";
    this.queue.addLater(owner, untilAskedAgainMs);
    if (answer.is !== "doubtful") return "missing";
    log("debug", "keeping rows whose object is not listed", { owner, why: answer.why });
    return "held";
  }

  /**
   * Why a plan for the object has to wait: it was listed by another server, or in an older state, and has not changed since
   * (see ApiServer.accepts).
   */
  #outdated(object: KubeObject | undefined, reads: readonly Kind[]): string | undefined {
    const { server, stores } = this.#options;
    const { doubt } = server;
    const outdated = reads.filter((read) => stores[read].freshness.outdated === "everything");
    if (outdated.length === 0) return undefined;
    // Where the object's own kind is up to date, its version does not tell what it was made with.
    const isNews =
      object &&
      server.isInDoubt(kinds[object.kind]) &&
      server.accepts(kinds[object.kind], object.resourceVersion) &&
      outdated.every((read) => server.isInDoubt(kinds[read]));
    if (isNews) return undefined;
    return doubt ?? "everything is listed again, since the first lists were older than what is known";
  }

  async #plan(owner: Owner): Promise<void> {
    const { log, onPlanned, clock } = this.#options;
    const start = clock.now();
    try {
      await this.#planner?.plan(owner);
      this.#grouping?.groups.asked(owner);
      if (this.#planner?.hasHeardOf(owner)) this.#grouping?.heardOf(owner);
      const object = this.objectOf(owner);
      if (object?.kind === "Pod" && this.#decider?.pod(object)) this.#unseen?.planned(object);
      this.#conditions?.look(owner);
      // No pod waits for the plan of another, and when a cluster starts thousands wait for policies.
      if (object?.kind !== "Pod") this.#policing?.look();
    } catch (error) {
      if (!(error instanceof NotNow))
        log("warn", "cannot plan; trying again", { owner, error: String(error) });
      throw error;
    }
    onPlanned(owner, clock.now() - start);
  }
}
