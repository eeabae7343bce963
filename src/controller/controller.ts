// The controller keeps stores and replicas up to date whether it leads or not, and leads while it holds the Lease and
// the fence. Everything it needs to know is in Kubernetes and in the databases, so it can be killed at any time.

import { FenceLostError } from "../apply/errors.ts";
import { defaultPruneLimits } from "../apply/pruneGuard.ts";
import { ConfigError } from "../config/error.ts";
import { ApiServer } from "../kube/apiServer.ts";
import { systemClock } from "../kube/clock.ts";
import { followLeader } from "../kube/followLeader.ts";
import type { Kind } from "../kube/kinds.ts";
import { Lease } from "../kube/lease.ts";
import { EventRecorder } from "../kube/recorder.ts";
import { Staleness } from "../kube/staleness.ts";
import { allReady, missingInput, type Stores, watchAll } from "../kube/stores.ts";
import { type ClusterMode, modeText, unservedInMode } from "../kube/unservedInMode.ts";
import { annotations, controllersLease, namesOf } from "../model/names.ts";
import { parseOwner } from "../model/owner.ts";
import { rememberedText } from "../model/remembered.ts";
import { northboundScope } from "../model/scope.ts";
import { NorthdWatch } from "../observe/northdWatch.ts";
import { awayFor } from "./awayFor.ts";
import { Births } from "./births.ts";
import { requireFreeRanges, takenRange } from "./cloudRanges.ts";
import { type ControllerOptions, databasesOf, kindsRead, planningInputs, zone } from "./controllerOptions.ts";
import type { Databases } from "./databases.ts";
import { northboundDestination } from "./destinations.ts";
import { followBirths } from "./followBirths.ts";
import { Health, troublesText } from "./health.ts";
import { type ControllerMetrics, controllerMetrics } from "./metrics.ts";
import { requireSameOptions } from "./otherOptions.ts";
import { podStates } from "./podStates.ts";
import { noPolicies, type PolicySummary, policySummaryText } from "./policySummary.ts";
import type { SilentAgents } from "./silentAgents.ts";
import { type Telling, telling } from "./telling.ts";
import { Term, type TermOptions } from "./term.ts";
import { followUnserved } from "./unservedEvents.ts";
import { watchNodes } from "./watchNodes.ts";
import { writesOf } from "./writes.ts";

const pauseAfterFailureMs = 1_000;

/** As long as an unrenewed Lease lasts: a leader without a database is useless. */
const databaseAwayMs = 15_000;

export class Controller {
  readonly #options: ControllerOptions;
  #term: Term | undefined;
  /** Why the last term ended, if it failed. */
  #failure: string | undefined;
  /** Which of its inputs are missing. */
  #missing: () => string | undefined = () => "has just started";
  /** Which deletions the prune guard holds, as a sentence. */
  #held: string | undefined;
  #health: Health | undefined;
  /** While this controller leads. */
  #agents: SilentAgents | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** Why this controller is not ready, in a few words. One that waits for the Lease but could lead at once is ready. */
  get notReady(): string | undefined {
    return this.#failure ?? this.#missing() ?? this.#health?.problem;
  }

  /** Releases the deletions that the prune guard holds now. */
  approvePrune(): void {
    this.#term?.approvePrune();
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, cluster, identity, leaseNamespace, log, registry } = this.#options;
    await using databases = databasesOf(this.#options);
    await using events = new EventRecorder({ client, component: "weft-controller", log });
    const server = new ApiServer(client);
    const stores = watchAll(client, kindsRead, signal, { log, server });
    const births = new Births({
      now: () => performance.now(),
      onStep: (step, ms) => metrics.birthSeconds.observe({ step }, ms / 1000),
      onBorn: (pod, timeline) => log("info", "pod born", { pod, timeline: rounded(timeline) }),
    });
    const { replica, observed } = databases;
    const now = (): number => performance.now();
    // The stores of kinds that nobody reads are not fed.
    const read = Object.entries(stores).filter(([kind]) => kindsRead.has(kind as Kind));
    const staleness = new Staleness(Object.fromEntries(read), now);
    staleness.follow(signal);
    const health = new Health({
      staleness,
      southbound: databases.chassis,
      northd: new NorthdWatch(databases.numbers, now),
      agents: () => this.#agents?.problem,
      ranges: () => takenRange({ network: this.#options.network, observed }),
      now,
    });
    this.#health = health;
    observed.ports.subscribe({ pod: (pod, state) => births.reach(pod, state) });
    const { podPort } = namesOf(cluster);
    const metrics = controllerMetrics(registry, {
      queueDepth: () => this.#term?.planning.queue.depth ?? 0,
      queueFailing: () => this.#term?.planning.queue.failing ?? 0,
      podsByState: () =>
        podStates(stores.Pod.values(), ({ namespace, name }) =>
          observed.ports.stateOf(podPort(namespace, name)),
        ),
      unlisted: () =>
        new Map(Object.entries(stores).map(([kind, { freshness }]) => [kind, freshness.unlisted])),
      heldDeletions: () => this.#term?.appliers.status.heldRows ?? 0,
      troubles: () => health.troubles,
      policies: () => this.#policies,
      agents: () => ({ all: this.#agents?.count ?? 0, silent: this.#agents?.nodes.length ?? 0 }),
    });
    this.#missing = () => missingInput(stores, replica);
    databases.start(signal);
    followBirths(stores.Pod, births);
    const { writeCondition, ...writes } = writesOf(client, signal);
    const told = telling({
      events,
      births,
      metrics,
      objectOf: (owner) => this.#term?.planning.objectOf(owner),
      policies: () => this.#term?.planning.policies,
      lost: (endpoints) => this.#term?.planning.lateFlush.lost(endpoints),
      writeCondition,
      onHeld: (message) => {
        this.#held = message;
      },
      log,
    });
    const options: LeaderOptions = {
      ...planningInputs(this.#options, stores, server, databases),
      ...writes,
      tell: told.tell,
      destinations: [
        northboundDestination({
          destination: northboundScope(cluster, zone).destination,
          cluster,
          session: databases.northbound,
          replica,
          generations: databases.generations,
          events: told.engine,
          prune: { ...defaultPruneLimits, share: this.#options.pruneShare },
          clock: systemClock,
          log,
        }),
      ],
      onPlanned: (owner, ms) => metrics.planSeconds.observe({ kind: parseOwner(owner).kind }, ms / 1000),
      policyNews: told.policyNews,
    };
    const leaseAt = { namespace: leaseNamespace, name: controllersLease(cluster) };
    void followLeader({ client, server, lease: leaseAt, clock: systemClock, log }, signal);
    const lease = new Lease({
      ...{ client, ...leaseAt, identity },
      annotations: () => ({
        [annotations.heldDeletions]: this.#heldBack(stores, server),
        [annotations.troubles]: troublesText(health.troubles),
        [annotations.policies]: policySummaryText(this.#policies),
        [annotations.mode]: modeText(this.#mode),
        [annotations.apiServer]: knownOf(server),
      }),
      log,
    });
    await this.#keepLeading(lease, options, databases, metrics, signal);
  }

  /** Leads whenever it may, until `signal` aborts. */
  async #keepLeading(
    lease: Lease,
    options: LeaderOptions,
    databases: Databases,
    metrics: ControllerMetrics,
    signal: AbortSignal,
  ): Promise<void> {
    const { log } = this.#options;
    while (!signal.aborted) {
      try {
        // Otherwise a controller that cannot reach the database would keep the Lease from one that can.
        await allReady(options.stores, signal);
        await databases.replica.ready(signal);
        // One that must not lead must not take the Lease from one that may either.
        requireSameOptions(options);
        requireFreeRanges(options);
        this.#failure = undefined;
        await this.#leadOnce(lease, options, databases, metrics, signal);
      } catch (error) {
        if (signal.aborted) break;
        const failure = error instanceof Error ? error.message : String(error);
        const level = error instanceof FenceLostError ? "warn" : "error";
        if (!(error instanceof ConfigError)) log(level, "the term ended", { error });
        else if (failure !== this.#failure) log("error", `does not lead: ${failure}`, {});
        this.#failure = failure;
        await new Promise((resolve) => setTimeout(resolve, pauseAfterFailureMs));
      }
    }
  }

  get #mode(): ClusterMode {
    const { cloudRouter, network } = this.#options;
    return cloudRouter === undefined ? { kind: "overlay", services: network.services } : { kind: "underlay" };
  }

  get #policies(): PolicySummary {
    return this.#term?.planning.policies?.summary ?? noPolicies;
  }

  /** What is held back, for people, and how it is released; undefined when nothing is. */
  #heldBack(stores: Stores, server: ApiServer): string | undefined {
    const unlisted = Object.entries(stores).flatMap(([kind, { size, freshness }]) =>
      freshness.unlisted > 0
        ? `${freshness.unlisted} of ${size} ${kind}s are no longer listed, and are treated as existing`
        : [],
    );
    const parts = [this.#held, ...unlisted, server.doubt].flatMap((part) => part ?? []);
    return parts.length === 0 ? undefined : `${parts.join("; ")}. To approve, send SIGUSR2 to the controller`;
  }

  async #leadOnce(
    lease: Lease,
    options: LeaderOptions,
    databases: Databases,
    metrics: ControllerMetrics,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, identity, log } = this.#options;
    log("info", "waiting to lead", { identity });
    await using held = await lease.acquire(signal);
    log("info", "leading", { identity, transitions: held.transitions });
    metrics.leader.set(1);
    using away = awayFor(databaseAwayMs, databases.replica, options.clock.now);
    const restored = new AbortController();
    const unsubscribe = client.history.subscribe(() =>
      restored.abort(new Error("the API server has gone back to an earlier state")),
    );
    const ending = AbortSignal.any([held.signal, away.signal, restored.signal]);
    try {
      this.#term = new Term(options, `${identity} ${held.transitions}`);
      followUnserved(options.stores, unservedInMode(this.#mode), options.tell.unserved, ending);
      this.#agents = watchNodes(
        { ...this.#options, ...options, databases },
        AbortSignal.any([signal, ending]),
      );
      await this.#term.run(AbortSignal.any([signal, ending]));
      if (!signal.aborted) log("warn", "leads no more", { reason: String(ending.reason) });
    } finally {
      unsubscribe();
      this.#term = undefined;
      this.#agents = undefined;
      this.#held = undefined;
      metrics.leader.set(0);
    }
  }
}

interface LeaderOptions extends TermOptions {
  readonly tell: Telling["tell"];
}

/** For those who are in doubt; undefined while this process is, or knows too little. */
const knownOf = ({ isProven, memory }: ApiServer): string | undefined =>
  isProven && memory ? rememberedText(memory) : undefined;

const rounded = (timeline: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(timeline).map(([step, ms]) => [step, Math.round(ms * 10) / 10]));
