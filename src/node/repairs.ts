// How often the agent has had to put back what somebody changed on its node. Once is put back at once. Somebody who changes it
// again and again, as another network manager does, would otherwise get into a race with the agent; so it waits longer each
// time, and tells.

/** So many in a row are put back at once. */
const free = 3;
const waitMs = { first: 1_000, longest: 30_000 };
/** A change after so long a peace is a new one. */
const peaceMs = 90_000;

interface Repaired {
  readonly what: string;
  /** How often in a row. */
  readonly count: number;
  readonly at: number;
}

export class Repairs {
  readonly #done = new Map<string, Repaired>();

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
