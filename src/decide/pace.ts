// How fast a pool is filled with ports that no pod needs soon. OVN takes some milliseconds per port on the node's own
// processors, and what starts there meanwhile would wait: so ports are asked for in slices, and after each OVN is left alone
// for several times as long as it took, whatever machine and size of network that was on.

const slicePorts = 8;
/** What is known of OVN's work on a pool takes at most a quarter of the time. */
const restPerWork = 3;
const restMs = {
  /** Where ports are carried once ovn-northd has translated them, ovn-controller's work on them is not known. */
  shortest: 1000,
  /** A slice that takes longer is held up by something else, and by then the ports are worth more. */
  longest: 10_000,
} as const;

export class Pace {
  #sliceBegan: number | undefined;
  #restsUntil = Number.NEGATIVE_INFINITY;

  /** How many ports may be asked for at `now`, in milliseconds, when OVN does not carry `coming` of those before. */
  allowance(coming: number, now: number): number {
    if (coming > 0) return 0;
    if (this.#sliceBegan !== undefined) {
      const rest = Math.max(restMs.shortest, restPerWork * (now - this.#sliceBegan));
      this.#restsUntil = now + Math.min(restMs.longest, rest);
      this.#sliceBegan = undefined;
    }
    return now < this.#restsUntil ? 0 : slicePorts;
  }

  /** Ports were asked for. */
  asked(now: number): void {
    this.#sliceBegan ??= now;
  }

  /** Milliseconds of rest that are left; 0 when it is OVN that is waited for. */
  restMs(now: number): number {
    return this.#sliceBegan === undefined ? Math.max(0, this.#restsUntil - now) : 0;
  }
}
