// Whether ovn-controller's flows are in the integration bridge. ovn-controller does not notice when they are deleted: it goes on
// comparing with what it has written. When it loses its OpenFlow connection, it writes all of them anew.

import { setTimeout as pause } from "node:timers/promises";

const everyMs = 4_000;
/** After a restart of vswitchd ovn-controller writes its flows by itself. */
const patienceMs = 3_000;
/** In a large cluster writing them takes its time. */
const againMs = 30_000;

export interface FlowWatchOptions {
  /** How many flows there are; undefined while there may be none yet. Rejects when Open vSwitch does not answer. */
  readonly count: () => Promise<number | undefined>;
  /** Makes ovn-controller write its flows anew. */
  readonly renew: () => Promise<void>;
}

export class FlowWatch {
  readonly #options: FlowWatchOptions;
  readonly #now: () => number;
  #missingSince: number | undefined;
  #renewed = Number.NEGATIVE_INFINITY;

  constructor(options: FlowWatchOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /** Undefined while there are flows, or it is not known. */
  get missingSince(): number | undefined {
    return this.#missingSince;
  }

  /** Looks until `signal` is aborted, and calls `changed` when flows are missing or there again. */
  async run(changed: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const before = this.#missingSince;
      await this.look();
      if (this.#missingSince !== before) changed();
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Counts once, and does something about flows that have been missing for a while. */
  async look(): Promise<void> {
    const { count, renew } = this.#options;
    const found = await count().catch(() => undefined);
    const now = this.#now();
    this.#missingSince = found === 0 ? (this.#missingSince ?? now) : undefined;
    if (this.#missingSince === undefined) return;
    if (now - this.#missingSince < patienceMs || now - this.#renewed < againMs) return;
    this.#renewed = now;
    // What fails here is told as missing flows.
    await renew().catch(() => undefined);
  }
}
