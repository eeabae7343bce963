// How fast a pool is filled with ports that no pod needs soon. Each port costs OVN some milliseconds on the node's own
// processors, and pods that start meanwhile would have to wait. So ports are made in slices. After each slice OVN rests
// for several times as long as the slice took, so the pace suits any machine and any size of network.

const slicePorts = 8;
/** Limits the observed work on a pool to a quarter of the time. */
const restPerWork = 3;
const pauseMs = {
  /** Where a port counts as carried once ovn-northd has translated it, ovn-controller's work cannot be observed. */
  shortest: 1000,
  /** A slice that takes longer is held up by something else, such as a port that OVN never carries. */
  longest: 10_000,
} as const;

export class Pace {
  #sliceBegan: number | undefined;
  #restsUntil = Number.NEGATIVE_INFINITY;

  /** How many ports may be made at `now` (milliseconds), while OVN does not carry `coming` earlier ones yet. */
  allowance(coming: number, now: number): number {
    if (this.#sliceBegan !== undefined) {
      const workMs = now - this.#sliceBegan;
      if (coming > 0 && workMs < pauseMs.longest) return 0;
      this.#restsUntil = now + Math.min(pauseMs.longest, Math.max(pauseMs.shortest, restPerWork * workMs));
      this.#sliceBegan = undefined;
    }
    return now < this.#restsUntil ? 0 : slicePorts;
  }

  /** Notes that ports were made. */
  asked(now: number): void {
    this.#sliceBegan ??= now;
  }

  /** Milliseconds after which more may be made, whatever OVN does until then. */
  waitMs(now: number): number {
    const until = this.#sliceBegan === undefined ? this.#restsUntil : this.#sliceBegan + pauseMs.longest;
    return Math.max(0, until - now);
  }
}
