// The controller: keeps stores and replicas fed whether it leads or not, and leads for as long as it holds the Lease and
// the fence. Everything it needs to know is in Kubernetes and in the databases; it can be killed at any time.

import type { Registry } from "prom-client";
import { FenceLostError } from "../apply/errors.ts";
import { defaultPruneLimits } from "../apply/pruneGuard.ts";
import { OvnCloud } from "../cloud/ovnCloud.ts";
import { OwnNodes } from "../cloud/ownNodes.ts";
import { followPorts, type PortStates } from "../cloud/portStates.ts";
import type { PoolOptions } from "../decide/pools.ts";
import type { KubeClient } from "../kube/client.ts";
import { type Log, systemClock } from "../kube/clock.ts";
import { Lease } from "../kube/lease.ts";
import type { Node, Pod } from "../kube/objects.ts";
import { EventRecorder } from "../kube/recorder.ts";
import { annotate } from "../kube/write.ts";
import { annotations, namesOf } from "../model/names.ts";
import type { ClusterNetwork } from "../model/network.ts";
import { type NorthboundTables, northbound } from "../ovn/northbound.gen.ts";
import { type Replica, Session, type TlsOptions } from "../ovsdb/index.ts";
import { northboundScope } from "../plan/scope.ts";
import { awayFor } from "./awayFor.ts";
import { Births } from "./births.ts";
import { type ControllerMetrics, controllerMetrics } from "./metrics.ts";
import { parseOwner } from "./owners.ts";
import { podStates } from "./podStates.ts";
import { allReady, missingInput, type Stores, watchAll } from "./stores.ts";
import { northboundTables } from "./tables.ts";
import { Term, type TermOptions } from "./term.ts";

export interface ControllerOptions {
  readonly cluster: string;
  readonly network: ClusterNetwork;
  /** The router of the cloud's tenant whose virtual machines the nodes are; undefined when OVN runs on the nodes. */
  readonly cloudRouter: string | undefined;
  /** Undefined when every pod gets a port of its own. */
  readonly pools: PoolOptions | undefined;
  readonly client: KubeClient;
  readonly northbound: readonly string[];
  readonly southbound: readonly string[];
  /** For remotes `ssl:…`. */
  readonly tls: TlsOptions | undefined;
  /** Differs between any two processes. */
  readonly identity: string;
  readonly leaseNamespace: string;
  /** The share of Weft's rows, 0 to 1, that may be deleted at once without approval. */
  readonly pruneShare: number;
  readonly registry: Registry;
  readonly log: Log;
}

/** Today one zone holds the whole cluster. */
export const zone = "global";

const pauseAfterFailureMs = 1_000;

/** As long as a Lease lasts that is not renewed: a leader without a database is as good as a dead one. */
const databaseAwayMs = 15_000;

export class Controller {
  readonly #options: ControllerOptions;
  #term: Term | undefined;
  /** Why the last term ended, when it failed. */
  #failure: string | undefined;
  /** Which of its inputs are not there. */
  #missing: () => string | undefined = () => "has just started";
  /** Which deletions the prune guard holds, in a sentence. */
  #held: string | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** Why this controller is of no use at the moment, in a few words. One that could lead at once is ready. */
  get notReady(): string | undefined {
    return this.#failure ?? this.#missing();
  }

  /** Lets the deletions go that the prune guard holds now. */
  approvePrune(): void {
    this.#term?.engine.approvePrune();
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, cluster, identity, leaseNamespace, log, registry } = this.#options;
    await using northboundSession = this.#session("OVN_Northbound", this.#options.northbound);
    await using southboundSession = this.#session("OVN_Southbound", this.#options.southbound);
    await using events = new EventRecorder({ client, component: "weft-controller", log });
    const stores = watchAll(client, signal, { log });
    const births = new Births({
      now: () => performance.now(),
      onStep: (step, ms) => metrics.birthSeconds.observe({ step }, ms / 1000),
      onBorn: (pod, timeline) => log("info", "pod born", { pod, timeline: rounded(timeline) }),
    });
    const ports = followPorts(southboundSession, cluster, (pod, step) => births.reach(pod, step));
    const { podPort } = namesOf(cluster);
    const metrics = controllerMetrics(registry, {
      queueDepth: () => this.#term?.queue.depth ?? 0,
      queueFailing: () => this.#term?.queue.failing ?? 0,
      podsByState: () =>
        podStates(stores.Pod.values(), ({ namespace, name }) => ports.stateOf(podPort(namespace, name))),
      heldDeletions: () => this.#term?.engine.status.heldDeletes ?? 0,
    });
    const replica = northboundSession.replica(northbound, northboundTables);
    this.#missing = () => missingInput(stores, replica);
    northboundSession.start(signal);
    southboundSession.start(signal);
    followBirths(stores, births);
    const options: TermOptions = {
      ...this.#common(stores, northboundSession, replica, ports),
      patch: ({ annotations, ifVersion, ...object }) =>
        annotate(client, object, annotations, { signal, ifVersion }),
      tell: {
        decided: (pod) => births.reach(nameOf(pod), "decided"),
        refused: (object, reason) => {
          log("warn", "cannot be decided now", { object: nameOf(object), reason });
          events.record(object, "Warning", "NetworkNotReady", reason);
        },
        distrusted: (object, reason) => {
          log("warn", "an annotation was not trusted", { object: nameOf(object), reason });
          events.record(
            object,
            "Warning",
            "AnnotationIgnored",
            `its network annotation was replaced: ${reason}`,
          );
        },
      },
      events: this.#engineEvents(metrics, births),
      onPlanned: (owner, ms) => metrics.planSeconds.observe({ kind: parseOwner(owner).kind }, ms / 1000),
    };
    const lease = new Lease({
      client,
      namespace: leaseNamespace,
      name: `weft-${cluster}`,
      identity,
      annotations: () => ({ [annotations.heldDeletions]: this.#held }),
      log,
    });
    while (!signal.aborted) {
      try {
        // Else one that cannot reach the database would keep the Lease from one that can.
        await allReady(stores, signal);
        await replica.ready(signal);
        this.#failure = undefined;
        await this.#leadOnce(lease, options, metrics, signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#failure = error instanceof Error ? error.message : String(error);
        const level = error instanceof FenceLostError ? "warn" : "error";
        log(level, "the term ended", { error });
        await new Promise((resolve) => setTimeout(resolve, pauseAfterFailureMs));
      }
    }
  }

  /** What a leader would send now, as text; sends nothing, to nobody. */
  async dryRun(
    signal: AbortSignal,
  ): Promise<{ readonly operations: string; readonly notes: readonly string[] }> {
    const { client, log } = this.#options;
    const ending = new AbortController();
    const both = AbortSignal.any([signal, ending.signal]);
    await using session = this.#session("OVN_Northbound", this.#options.northbound);
    await using southboundSession = this.#session("OVN_Southbound", this.#options.southbound);
    const stores = watchAll(client, both, { log });
    const replica = session.replica(northbound, northboundTables);
    const ports = followPorts(southboundSession, this.#options.cluster, () => undefined);
    session.start(both);
    southboundSession.start(both);
    const notes: string[] = [];
    const term = new Term(
      {
        ...this.#common(stores, session, replica, ports),
        patch: async () => undefined,
        tell: {
          decided: () => undefined,
          refused: (_, reason) => notes.push(reason),
          distrusted: () => undefined,
        },
        events: {},
        onPlanned: () => undefined,
      },
      undefined,
    );
    try {
      const { transactions, held, problems } = await term.dryRun(both);
      if (held) notes.push(held.message);
      return { operations: transactions.map(String).join("\n\n"), notes: [...notes, ...problems] };
    } finally {
      ending.abort(new Error("the dry run is over"));
    }
  }

  async #leadOnce(
    lease: Lease,
    options: TermOptions,
    metrics: ControllerMetrics,
    signal: AbortSignal,
  ): Promise<void> {
    const { identity, log } = this.#options;
    log("info", "waiting to lead", { identity });
    await using held = await lease.acquire(signal);
    log("info", "leading", { identity, transitions: held.transitions });
    metrics.leader.set(1);
    using away = awayFor(databaseAwayMs, options.replica, options.clock.now);
    const ending = AbortSignal.any([held.signal, away.signal]);
    try {
      this.#term = new Term(options, `${identity} ${held.transitions}`);
      await this.#term.run(AbortSignal.any([signal, ending]));
      if (!signal.aborted) log("warn", "leads no more", { reason: String(ending.reason) });
    } finally {
      this.#term = undefined;
      this.#held = undefined;
      metrics.leader.set(0);
    }
  }

  #session(database: string, remotes: readonly string[]): Session {
    const { tls, log } = this.#options;
    return new Session({ remotes, database, log, ...(tls && { tls }) });
  }

  #common(
    stores: Stores,
    session: Session,
    replica: Replica<NorthboundTables>,
    ports: PortStates,
  ): Omit<TermOptions, "patch" | "tell" | "events" | "onPlanned"> {
    const { cluster, cloudRouter, network, client, pools, pruneShare, log } = this.#options;
    const scope = northboundScope(cluster, zone);
    const cloud =
      cloudRouter === undefined
        ? new OwnNodes(scope, network, ports, pools !== undefined)
        : new OvnCloud(scope, network, cloudRouter, replica, ports);
    return {
      scope,
      network,
      cloud,
      pools,
      client,
      stores,
      session,
      replica,
      prune: { ...defaultPruneLimits, share: pruneShare },
      clock: systemClock,
      random: Math.random,
      log,
    };
  }

  #engineEvents(metrics: ControllerMetrics, births: Births): TermOptions["events"] {
    const { log } = this.#options;
    return {
      committed: ({ owners, operations, commitMs, drift }) => {
        metrics.transactionSeconds.observe(commitMs / 1000);
        metrics.transactionOperations.observe(operations);
        if (drift > 0) metrics.drift.inc(drift);
        for (const owner of owners) {
          const { kind, namespace, name } = parseOwner(owner);
          if (kind === "pod") births.reach(`${namespace}/${name}`, "committed");
        }
      },
      refused: () => metrics.refused.inc(),
      pruneHeld: ({ rows, message }) => {
        this.#held = rows > 0 ? message : undefined;
        if (rows > 0) log("error", `${message}. Approve by sending SIGUSR2 to this process`, {});
        else log("info", "no deletion is held any more", {});
      },
    };
  }
}

const nameOf = (object: Node | Pod): string =>
  object.namespace === "" ? object.name : `${object.namespace}/${object.name}`;

/** A birth begins when the pod is on a node and has no address yet, and is forgotten with the pod. */
function followBirths(stores: Stores, births: Births): void {
  stores.Pod.subscribe((changes) => {
    for (const { old, new: now } of changes) {
      if (!now) births.forget(old ? nameOf(old) : "");
      else if (old?.nodeName !== now.nodeName && isUnborn(now)) births.reach(nameOf(now), "seen");
    }
  });
}

const isUnborn = (pod: Pod): boolean =>
  pod.nodeName !== "" && !pod.hostNetwork && pod.phase === "Pending" && pod.podIps.length === 0;

const rounded = (timeline: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(timeline).map(([step, ms]) => [step, Math.round(ms * 10) / 10]));
