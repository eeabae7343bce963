// Changes of balancers keep a distance. In Open vSwitch the endpoints of a virtual address are a group, and
// ovn-controller gives a new group the lowest number that is free. A packet is looked up in two steps: the first keeps
// only the group's number, the second follows it. If meanwhile the number has become another address's group, a new
// connection goes to the wrong endpoint and stays there: an IPv4 packet even to the first bytes of an IPv6 address. Flows of
// the first step are renewed within milliseconds. So after a change that may free numbers, nothing takes one for a while.
// Once something waits, what frees more waits with it: otherwise deletions, one after the other, would hold it up for as
// long as they go on.

import type { Clock } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import type { Change } from "./change.ts";
import type { World } from "./world.ts";

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
  /** When numbers may have been freed for the last time. */
  #freedAt = -Infinity;
  #isFreeing = false;

  constructor(options: BalancerPaceOptions) {
    this.#options = options;
  }

  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  /** These are about to be sent. */
  sending(groups: readonly AtomicGroup[], world: Pick<World, "actual">): void {
    this.#isFreeing = groups.some(({ changes }) => changes.some((change) => usesOf(change, world).frees));
    this.committed();
  }

  /** Some of those have been committed. */
  committed(): void {
    if (this.#isFreeing) this.#freedAt = this.#options.clock.now();
  }

  /** Whether the group may be sent now. If not, it is released together with all others that wait. */
  mayTry(group: AtomicGroup, world: Pick<World, "actual">): boolean {
    const leftMs = this.#freedAt + distanceMs - this.#options.clock.now();
    if (leftMs <= 0) return true;
    const mustWait = group.changes.some((change) => {
      const { takes, frees } = usesOf(change, world);
      return takes || (frees && this.isHolding);
    });
    if (!mustWait) return true;
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

/**
 * Whether the change frees numbers and takes some. A virtual address has a group if it has endpoints, and another one
 * when these change.
 */
function usesOf(
  change: Change,
  world: Pick<World, "actual">,
): { readonly frees: boolean; readonly takes: boolean } {
  if (change.table !== "Load_Balancer") return { frees: false, takes: false };
  const before = vipsIn(world.actual(change.table, change.uuid)?.["vips"]);
  const columns = change.kind === "insert" || change.kind === "update" ? change.columns : undefined;
  // Options are part of what the groups do.
  const isWhole = change.kind === "delete" || columns?.has("options") === true;
  const after =
    change.kind === "delete" ? nothing : columns?.has("vips") ? vipsIn(columns.get("vips")) : before;
  const differs = ([vip, endpoints]: Entry, other: ReadonlyMap<unknown, unknown>): boolean =>
    endpoints !== "" && (isWhole || other.get(vip) !== endpoints);
  return {
    frees: [...before].some((entry) => differs(entry, after)),
    takes: [...after].some((entry) => differs(entry, before)),
  };
}

type Entry = readonly [unknown, unknown];

const nothing: ReadonlyMap<unknown, unknown> = new Map();

const vipsIn = (value: unknown): ReadonlyMap<unknown, unknown> => (value instanceof Map ? value : nothing);
