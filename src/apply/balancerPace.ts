// Changes of balancers keep a distance. In Open vSwitch the endpoints of a virtual address are a group, and
// ovn-controller gives a new group the lowest number that is free. A packet is looked up in two steps: the first keeps
// only the group's number, the second follows it. If meanwhile the number has become another address's group, a new
// connection goes to the wrong endpoint and stays there: an IPv4 packet even to the first bytes of an IPv6 address. Flows of
// the first step are renewed within milliseconds. So after a change that may free numbers, nothing takes one for a while.

import type { Clock } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import type { Change } from "./change.ts";

/** Open vSwitch renews its cached flows in tens of milliseconds on a busy node. kube-proxy gathers changes for 1 s. */
const distanceMs = 250;

export interface BalancerPaceOptions {
  readonly clock: Clock;
  /** These may be tried now. */
  readonly release: (changes: readonly Change[]) => void;
}

export class BalancerPace {
  readonly #options: BalancerPaceOptions;
  /** group id -> a group that waits */
  readonly #held = new Map<string, AtomicGroup>();
  #lastFreed = -Infinity;

  constructor(options: BalancerPaceOptions) {
    this.#options = options;
  }

  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  /** These groups are sent or committed. */
  going(groups: readonly AtomicGroup[]): void {
    if (groups.some(({ changes }) => changes.some(freesNumbers))) this.#lastFreed = this.#options.clock.now();
  }

  /** Whether the group may be sent now. If not, it is released together with all others that wait. */
  mayTry(group: AtomicGroup): boolean {
    if (!group.changes.some(takesNumbers)) return true;
    const leftMs = this.#lastFreed + distanceMs - this.#options.clock.now();
    if (leftMs <= 0) return true;
    if (!this.isHolding) this.#options.clock.after(leftMs, () => this.#release());
    this.#held.set(group.id, group);
    return false;
  }

  #release(): void {
    const held = [...this.#held.values()];
    this.#held.clear();
    this.#options.release(held.flatMap(({ changes }) => changes));
  }
}

const freesNumbers = ({ table, kind }: Change): boolean => table === "Load_Balancer" && kind !== "insert";
const takesNumbers = ({ table, kind }: Change): boolean => table === "Load_Balancer" && kind !== "delete";
