// Notices that what a store holds is old: the API server has refused or not answered for some time, while the store
// still shows what it knew before. Watches end and begin again all the time, so it takes some seconds to count.

import type { Freshness } from "./store.ts";

type Fresh = { readonly freshness: Freshness };

const lookMs = 1_000;
const patienceMs = 15_000;

export class Staleness {
  readonly #stores: Readonly<Record<string, Fresh>>;
  readonly #now: () => number;
  readonly #refusalsOnly: boolean;
  /** kind ▶ since when it has been old */
  readonly #since = new Map<string, number>();

  /** `stores` by kind. With `refusalsOnly` a server that is silent, or away, does not count. */
  constructor(stores: Readonly<Record<string, Fresh>>, now: () => number, refusalsOnly = false) {
    this.#stores = stores;
    this.#now = now;
    this.#refusalsOnly = refusalsOnly;
  }

  /** Watches until `signal` aborts. */
  follow(signal: AbortSignal): void {
    const timer = setInterval(() => this.look(), lookMs).unref();
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Notes which kinds are old now. */
  look(): void {
    for (const [kind, { freshness }] of Object.entries(this.#stores)) {
      const isOld = this.#refusalsOnly ? freshness.refused : freshness.lagging || freshness.failure !== "";
      if (!isOld) this.#since.delete(kind);
      else if (!this.#since.has(kind)) this.#since.set(kind, this.#now());
    }
  }

  /** The kinds that have been old for too long, and why. */
  get kinds(): ReadonlyMap<string, string> {
    const old = [...this.#since].filter(([, since]) => this.#now() - since >= patienceMs);
    return new Map(
      old.map(([kind]) => [kind, this.#stores[kind]?.freshness.failure || "the API server does not answer"]),
    );
  }

  /** The same in one sentence; undefined when nothing is old. */
  get problem(): string | undefined {
    const kinds = [...this.kinds];
    const [first] = kinds;
    if (!first) return undefined;
    const reasons = new Set(kinds.map(([, reason]) => reason));
    return `no news of ${kinds.map(([kind]) => kind).join(", ")} from the API server: ${[...reasons].join("; ")}`;
  }
}
