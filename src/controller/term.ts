// One time as leader: takes the fence, plans from what Kubernetes and the database hold, and works until leadership ends.
// Nothing is carried from one term into the next: a restart and a change of leader are the same thing.

import { Engine } from "../apply/engine.ts";
import type { EngineEvents } from "../apply/engineEvents.ts";
import { Fence } from "../apply/fence.ts";
import type { PruneLimits } from "../apply/pruneGuard.ts";
import { allReady } from "../kube/stores.ts";
import type { Owner } from "../model/owner.ts";
import { type NorthboundTables, northbound } from "../ovn/northbound.gen.ts";
import type { Replica, Session } from "../ovsdb/index.ts";
import { Planning, type PlanningOptions } from "./planning.ts";

export interface TermOptions extends PlanningOptions {
  readonly session: Session;
  readonly replica: Replica<NorthboundTables>;
  readonly events: EngineEvents;
  readonly prune: PruneLimits;
}

export class Term {
  readonly engine: Engine;
  readonly planning: Planning;
  readonly #options: TermOptions;
  readonly #fence: Fence;
  /** Ends what waits for the engine. */
  readonly #over = new AbortController();

  /** `holder` is who takes the fence. */
  constructor(options: TermOptions, holder: string) {
    const { scope, session, replica, clock, log } = options;
    this.#options = options;
    this.#fence = new Fence({ database: northbound, cluster: scope.cluster, holder });
    this.planning = new Planning(options, {
      committed: (owner) => this.engine.committed(owner, this.#over.signal),
      expectGone: (facts) => this.engine.expectGone(facts),
    });
    this.engine = new Engine({
      destination: scope.destination,
      cluster: scope.cluster,
      database: northbound,
      desired: this.planning.desired,
      session,
      replica,
      fence: this.#fence,
      clock,
      log,
      limits: { prune: options.prune },
      events: options.events,
    });
  }

  /** Leads until `signal` aborts. Rejects with a FenceLostError when another took the fence. */
  async run(signal: AbortSignal): Promise<void> {
    const { stores, session, replica, log, clock } = this.#options;
    const began = clock.now();
    const both = AbortSignal.any([signal, this.#over.signal]);
    await session.connected(both);
    await this.#fence.take(session, replica, both);
    log("info", "took the fence", { epoch: this.#fence.epoch });
    await allReady(stores, both);
    await replica.ready(both);
    await this.planning.begin(both);
    const working = [this.engine.run(both), this.planning.queue.run(both)];
    const steady = this.#becomeSteady(both).then(
      () => log("info", "steady", { afterMs: Math.round(clock.now() - began) }),
      (error: unknown) => {
        if (!both.aborted) throw error;
      },
    );
    try {
      await Promise.race([Promise.all([...working, steady]), aborted(signal)]);
    } finally {
      this.#over.abort(new Error("the term is over"));
      await Promise.allSettled([...working, steady]);
    }
  }

  async #becomeSteady(signal: AbortSignal): Promise<void> {
    await this.planning.queue.idle();
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
    const { observed, log } = this.#options;
    const { queue } = this.planning;
    const failed = (owner: Owner): boolean => queue.hasFailed(owner);
    const unplanned = [...observed.owners()].filter(failed);
    if (unplanned.length === 0) return;
    log("error", "rows that nobody asks for stay until their possible owners can be planned", {
      count: unplanned.length,
      owners: unplanned.slice(0, 10),
    });
    while (!signal.aborted && unplanned.some(failed)) await queue.nextIdle();
  }
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
