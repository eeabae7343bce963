// How often the agent has had to put back what somebody changed on its node. The first changes are put back at once. To
// avoid a race with a program that makes the change again and again, such as another network manager, the agent then
// waits longer each time, and reports it.

/** How many changes in a row are put back at once. */
const free = 3;
const waitMs = { first: 1_000, longest: 30_000 };
/** After this long without a change, the count starts again. */
const peaceMs = 90_000;

interface Repaired {
  readonly what: string;
  /** How often in a row. */
  readonly count: number;
  readonly at: number;
}

export class Repairs {
  readonly #done = new Map<string, Repaired>();
  readonly #repaired: () => void;

  /** `repaired` is called when something has been put back. */
  constructor(repaired: () => void) {
    this.#repaired = repaired;
  }

  /** Whether what is different at `now` is to be put back now. */
  isDue(now: number): boolean {
    const worst = this.#worst(now);
    if (!worst || worst.count < free) return true;
    return now - worst.at >= Math.min(waitMs.first * 2 ** (worst.count - free), waitMs.longest);
  }

  /** `what` was different, and has been put back. */
  done(what: string, now: number): void {
    const { count = 0 } = this.#lately(now).find((each) => each.what === what) ?? {};
    this.#done.set(what, { what, at: now, count: count + 1 });
    this.#repaired();
  }

  /** What somebody keeps changing; undefined in peace. */
  contested(now: number): string | undefined {
    const worst = this.#worst(now);
    if (!worst || worst.count <= free) return undefined;
    return `another program keeps changing what the agent sets on this node: ${worst.what}; the agent has put it back ${worst.count} times`;
  }

  #worst(now: number): Repaired | undefined {
    return this.#lately(now).toSorted((a, b) => b.count - a.count)[0];
  }

  #lately(now: number): readonly Repaired[] {
    for (const { what, at } of this.#done.values()) if (now - at >= peaceMs) this.#done.delete(what);
    return [...this.#done.values()];
  }
}
