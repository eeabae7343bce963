// ovn-northd gives some rows that it makes in the southbound database the UUID of the northbound row. It dies (an
// assertion in ovsdb_idl_txn_insert__) when such a northbound row is deleted and inserted again under its UUID within
// one pass, which lasts seconds in a large cluster. Weft's UUIDs are computed, so a row that comes back has its old
// UUID. A row of these tables is therefore inserted again only once northd has translated its deletion.

import type { Clock } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import type { Change } from "./change.ts";
import type { Generations } from "./generations.ts";

/** Load_Balancer: tried with OVN 25.03. The others: for their rows of Datapath_Binding in versions after OVN 26.03. */
const tables: ReadonlySet<string> = new Set(["Load_Balancer", "Logical_Router", "Logical_Switch"]);
/** When so many are remembered, northd is asked, so that they can be forgotten. */
const most = 1_000;
/** How long to wait for an answer before northd is asked again: its database may have been replaced. */
const patienceMs = 10_000;
const retryMs = 1_000;

export interface RebirthsOptions {
  /** Without it, it is unknown how far northd is, and nothing is held. */
  readonly generations: Pick<Generations, "translated"> | undefined;
  readonly clock: Clock;
  /** These may be tried now. */
  readonly release: (changes: readonly Change[]) => void;
}

export class Rebirths {
  readonly #options: RebirthsOptions;
  /** UUIDs of rows whose deletion northd may not have seen. */
  readonly #gone = new Set<string>();
  /** group id -> a group that waits */
  readonly #held = new Map<string, AtomicGroup>();
  #isAsking = false;

  constructor(options: RebirthsOptions) {
    this.#options = options;
  }

  /**
   * These groups are about to be sent, or have been committed. Both calls are needed: the answer to a sent group may
   * get lost, and a number requested in between may be older than the deletion.
   */
  going(groups: readonly AtomicGroup[], signal: AbortSignal): void {
    if (!this.#options.generations) return;
    for (const { changes } of groups)
      for (const { kind, table, uuid } of changes)
        if (kind === "delete" && tables.has(table)) this.#gone.add(uuid);
    if (this.#gone.size > most) void this.#ask(signal);
  }

  /** Whether the group may be sent: northd has seen the deletion of every row that it brings back. If not, it is released later. */
  mayTry(group: AtomicGroup, signal: AbortSignal): boolean {
    if (!group.changes.some(({ kind, uuid }) => kind === "insert" && this.#gone.has(uuid))) return true;
    this.#held.set(group.id, group);
    void this.#ask(signal);
    return false;
  }

  async #ask(signal: AbortSignal): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (!signal.aborted && (this.#held.size > 0 || this.#gone.size > most)) {
      const asked = [...this.#gone];
      try {
        await this.#options.generations?.translated(
          AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
        );
      } catch {
        await new Promise<void>((resolve) => void this.#options.clock.after(retryMs, resolve));
        continue;
      }
      for (const uuid of asked) this.#gone.delete(uuid);
      const held = [...this.#held.values()];
      this.#held.clear();
      this.#options.release(held.flatMap(({ changes }) => changes));
    }
    this.#isAsking = false;
  }
}
