// Has OVN number the present state of the database, for all who ask meanwhile. Each number costs ovn-northd a pass and
// has every ovn-controller write a row, so the more chassis there are, the longer it waits between two.

import type { Mark } from "../apply/generations.ts";
import type { Clock, Log } from "../kube/clock.ts";

export interface MarkingOptions {
  /** Undefined when nobody can tell how far the state gets. */
  readonly mark: (signal: AbortSignal) => Promise<Mark | undefined>;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
}

/** Who wants a mark of the state that the database has now. */
export interface Marked {
  mark: Mark | undefined;
}

const leastMs = 1_000;
const perChassisMs = 5;

export class Marking {
  readonly #options: MarkingOptions;
  readonly #signal: AbortSignal;
  #isUnderWay = false;
  #nextMs = 0;
  #betweenMs = leastMs;

  constructor(options: MarkingOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** How long a number may have to be waited for, in milliseconds. */
  get betweenMs(): number {
    return this.#betweenMs;
  }

  /** Gives everyone who asked a mark, unless it is too early for the next one: then they ask again. */
  ask(all: readonly Marked[]): void {
    const { clock } = this.#options;
    if (all.length === 0 || this.#isUnderWay || clock.now() < this.#nextMs) return;
    this.#isUnderWay = true;
    void this.#give(all);
  }

  async #give(all: readonly Marked[]): Promise<void> {
    const { mark, clock, log } = this.#options;
    try {
      const made = await mark(this.#signal);
      for (const one of all) one.mark = made;
      this.#betweenMs = Math.max(leastMs, perChassisMs * (made?.chassis ?? 0));
      this.#nextMs = clock.now() + this.#betweenMs;
    } catch (error) {
      if (!this.#signal.aborted) log("debug", "OVN does not number its state", { error });
    } finally {
      this.#isUnderWay = false;
    }
  }
}
