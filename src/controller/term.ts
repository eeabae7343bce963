// One period of leadership: takes the fences, plans from what Kubernetes and the databases hold, and works until
// leadership ends. Nothing is carried over into the next term, so a restart and a change of leader are the same thing.

import type { Applier } from "../apply/applier.ts";
import { Appliers } from "../apply/appliers.ts";
import { allReady } from "../kube/stores.ts";
import { Acquaintance } from "./acquaintance.ts";
import type { Begun, Served } from "./destinations.ts";
import { requireSameOptions } from "./otherOptions.ts";
import { Planning } from "./planning.ts";
import type { PlanningOptions } from "./planningOptions.ts";

export interface TermOptions extends PlanningOptions {
  /** All destinations of facts. The first one holds the rows that prove decisions, so the term begins when it is there. */
  readonly destinations: readonly [Served, ...Served[]];
}

export class Term {
  readonly appliers: Appliers;
  readonly planning: Planning;
  readonly #options: TermOptions;
  readonly #begun: readonly [Begun, ...Begun[]];
  readonly #acquaintance: Acquaintance;
  /** Ends everything that waits for the appliers. */
  readonly #over = new AbortController();

  /** `holder` takes the fences. */
  constructor(options: TermOptions, holder: string) {
    const [first, ...others] = options.destinations;
    this.#options = options;
    this.planning = new Planning(options, {
      committed: (owner) => this.appliers.committed(owner, this.#over.signal),
      reach: {
        installed: (owner, chassis, until) =>
          this.appliers.installed(owner, chassis, AbortSignal.any([until, this.#over.signal])),
        isCommitted: (owner) => this.appliers.isCommitted(owner),
        mark: (signal) => this.appliers.mark(signal),
      },
      hasRows: (owner) => options.observed.hasRows(owner) || others.length > 0,
      served: () => this.appliers.served,
    });
    const begin = (served: Served): Begun => served.begin(this.planning.desired, holder);
    this.#begun = [begin(first), ...others.map(begin)];
    this.appliers = new Appliers(
      this.#begun.map(({ applier }, index) => [(options.destinations[index] ?? first).destination, applier]),
    );
    const { server, stores, clock, log } = options;
    const { memory } = this.#begun[0];
    this.#acquaintance = new Acquaintance({
      ...{ server, stores, appliers: this.appliers, memory, clock, log },
      hasAllWithRows: () => this.planning.hasAllOf(options.observed.owners()),
      replanned: () => this.planning.replanned(),
    });
  }

  /** The API server is known, and the next term will know it too. */
  get acquainted(): boolean {
    return this.#acquaintance.isWritten;
  }

  /** Releases the deletions that are held now, and believes the API server. */
  approvePrune(): void {
    this.#options.server.believe();
    this.planning.stopAsking();
    this.appliers.approvePrune();
  }

  /**
   * Leads until `signal` aborts. Rejects with a FenceLostError when another controller took a fence, and with a
   * ConfigError, before it writes anything, when the rows were made with other options.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { stores, observed, log, clock } = this.#options;
    const began = clock.now();
    const both = AbortSignal.any([signal, this.#over.signal]);
    const [first, ...others] = this.#begun;
    const working: Promise<unknown>[] = [];
    try {
      await observed.ready(both);
      requireSameOptions(this.#options);
      await first.take(both);
      await allReady(stores, both);
      await this.#acquaintance.begin(both);
      await this.planning.begin(both);
      working.push(
        first.applier.run(both),
        // A destination that is away delays only its own work.
        Promise.resolve(first.beat?.(both)),
        ...others.map(async (other) => {
          await other.take(both);
          await this.planning.foundRowsOf(other.applier.owners());
          await Promise.all([other.applier.run(both), other.beat?.(both), this.#becomeSteady(other, both)]);
        }),
        this.planning.queue.run(both),
        this.#becomeSteady(first, both).then(() => {
          if (both.aborted) return undefined;
          log("info", "steady", { afterMs: Math.round(clock.now() - began) });
          return this.#acquaintance.keep(both);
        }),
      );
      await Promise.race([Promise.all(working), aborted(signal)]);
    } finally {
      this.#over.abort(new Error("the term is over"));
      await Promise.allSettled(working);
    }
  }

  async #becomeSteady({ applier }: Begun, signal: AbortSignal): Promise<void> {
    try {
      await this.planning.queue.idle();
      signal.throwIfAborted();
      this.#tellUnplanned(applier);
      applier.allSynced();
      await applier.settled(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Names those with rows whose plans have failed so far, such as a node whose subnet is in no configured range. */
  #tellUnplanned(applier: Applier): void {
    const { queue } = this.planning;
    // Reading the owners of all rows takes long, so only if a plan has failed.
    if (queue.failing === 0) return;
    const owners = [...applier.owners()].filter((owner) => queue.hasFailed(owner));
    if (owners.length === 0) return;
    const fields = { count: owners.length, owners: owners.slice(0, 10) };
    this.#options.log("error", "keeping the rows of owners that cannot be planned", fields);
  }
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
