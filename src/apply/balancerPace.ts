// Spaces out changes of balancers. In Open vSwitch the endpoints of a virtual address are a group, and ovn-controller
// gives a new group the lowest free number. A packet is looked up in two steps: a cached flow of the first holds only
// the group's number, the second follows it. If the number has gone to another address's group in between, a new
// connection goes to the wrong endpoint and stays there; an IPv4 packet may even go to the first bytes of an IPv6
// address. Cached flows are renewed within milliseconds. So for a while after a change that may free numbers, no change
// that takes one is sent. Once one waits, changes that would free more numbers wait too: otherwise a series of
// deletions would hold it up for as long as it lasts.

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
  /** When numbers were last freed, as far as is known. */
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

  /** Some of the groups that were about to be sent have been committed. */
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
 * Whether the change frees group numbers, and whether it takes some. A virtual address with endpoints has a group, and
 * gets another one when its endpoints change.
 */
function usesOf(
  change: Change,
  world: Pick<World, "actual">,
): { readonly frees: boolean; readonly takes: boolean } {
  if (change.table !== "Load_Balancer") return { frees: false, takes: false };
  const before = vipsIn(world.actual(change.table, change.uuid)?.["vips"]);
  const columns = change.kind === "insert" || change.kind === "update" ? change.columns : undefined;
  // A change of options changes the groups too.
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
