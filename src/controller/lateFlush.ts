// When a UDP balancer loses an endpoint, ovn-controller changes its flows and flushes the endpoint's connections in the
// same breath. Open vSwitch goes on using its cached flows for some milliseconds, so a client that sends meanwhile gets
// a new connection to the endpoint that is gone, and as long as it keeps its port it talks to nobody. So those
// connections are flushed once more: a balancer that balances nothing (plan/lateFlush.ts) takes the endpoints in and
// drops them again. It does not take them in too early, because the engine leaves time between changes of balancers
// (apply/balancerPace.ts).

import type { LostEndpoints } from "../apply/lostEndpoints.ts";
import type { Clock } from "../kube/clock.ts";
import type { GoneEndpoints } from "../plan/lateFlush.ts";

export interface LateFlushOptions {
  /** States the balancer with what `now` has; resolves when the database holds it. */
  readonly state: () => Promise<void>;
  /** The balancer's own row. */
  readonly row: string;
  readonly clock: Pick<Clock, "after">;
  readonly onError: (error: unknown) => void;
}

/** ovn-northd must not see both changes at once. In a large cluster one pass takes it as long as this. */
const keptMs = 1_000;
/** How many virtual addresses are flushed at once. The others follow. */
const mostAtOnce = 500;

const nothing: GoneEndpoints = new Map();

export class LateFlush {
  readonly #options: LateFlushOptions;
  /** Virtual address -> endpoints, to be flushed next */
  readonly #next = new Map<string, Set<string>>();
  #now: GoneEndpoints = nothing;
  #isRunning = false;

  constructor(options: LateFlushOptions) {
    this.#options = options;
  }

  /** What the balancer has now. */
  get now(): GoneEndpoints {
    return this.#now;
  }

  /** These are about to be taken from their balancers. */
  lost(all: readonly LostEndpoints[]): void {
    for (const { uuid, vips } of all) if (uuid !== this.#options.row) this.#add(vips);
    if (this.#next.size > 0 && !this.#isRunning) void this.#run();
  }

  #add(vips: GoneEndpoints): void {
    for (const [vip, endpoints] of vips) {
      const known = this.#next.get(vip);
      if (!known) this.#next.set(vip, new Set(endpoints));
      else for (const endpoint of endpoints) known.add(endpoint);
    }
  }

  async #run(): Promise<void> {
    const { clock, state } = this.#options;
    this.#isRunning = true;
    try {
      while (this.#next.size > 0) {
        this.#now = this.#take();
        await state();
        await new Promise<void>((resolve) => void clock.after(keptMs, resolve));
        this.#now = nothing;
        await state();
      }
    } catch (error) {
      this.#next.clear();
      this.#options.onError(error);
    } finally {
      this.#now = nothing;
      this.#isRunning = false;
    }
  }

  #take(): GoneEndpoints {
    const taken = new Map<string, readonly string[]>();
    for (const [vip, endpoints] of [...this.#next].slice(0, mostAtOnce)) {
      taken.set(vip, [...endpoints].toSorted());
      this.#next.delete(vip);
    }
    return taken;
  }
}
