// How fast a pool is filled with ports that no pod needs soon. OVN takes some milliseconds per port on the node's own
// processors, and what starts there meanwhile would wait: so ports are asked for in slices, and after each OVN is left alone
// for several times as long as it took, whatever machine and size of network that was on.

const slicePorts = 8;
/** What is known of OVN's work on a pool takes at most a quarter of the time. */
const restPerWork = 3;
const pauseMs = {
  /** Where ports are carried once ovn-northd has translated them, ovn-controller's work on them is not known. */
  shortest: 1000,
  /** A slice that takes longer is held up by something else, such as a port that OVN never carries. */
  longest: 10_000,
} as const;

export class Pace {
  #sliceBegan: number | undefined;
  #restsUntil = Number.NEGATIVE_INFINITY;

  /** How many ports may be asked for at `now`, in milliseconds, when OVN does not carry `coming` of those before. */
  allowance(coming: number, now: number): number {
    if (this.#sliceBegan !== undefined) {
      const workMs = now - this.#sliceBegan;
      if (coming > 0 && workMs < pauseMs.longest) return 0;
      this.#restsUntil = now + Math.min(pauseMs.longest, Math.max(pauseMs.shortest, restPerWork * workMs));
      this.#sliceBegan = undefined;
    }
    return now < this.#restsUntil ? 0 : slicePorts;
  }

  /** Ports were asked for. */
  asked(now: number): void {
    this.#sliceBegan ??= now;
  }

  /** Milliseconds after which more may be asked for, whatever OVN does until then. */
  waitMs(now: number): number {
    const until = this.#sliceBegan === undefined ? this.#restsUntil : this.#sliceBegan + pauseMs.longest;
    return Math.max(0, until - now);
  }
}
