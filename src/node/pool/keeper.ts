// Keeps the cache of ready ports in line with the controller's offer and the node's interfaces. It looks again when
// one of them changes, and when an address has rested long enough. Only the running process knows how long an address
// has rested, by a clock that nobody can set: after a restart, every rest begins anew.

import { poolSeenOf } from "../../kube/annotations.ts";
import type { Log } from "../../kube/clock.ts";
import { type PolicyStores, policyKinds } from "../../kube/policies.ts";
import type { Vswitch } from "../ovs/vswitch.ts";
import type { Writer } from "../ovs/writer.ts";
import { Bell } from "../wait/bell.ts";
import type { PoolCache } from "./cache.ts";
import { addChange, type PoolView, poolChanges } from "./changes.ts";
import type { Offers } from "./offer.ts";
import type { PoolScope } from "./queueRow.ts";
import type { Reservations } from "./reservations.ts";

const retryMs = 500;

export interface KeeperOptions {
  readonly scope: PoolScope;
  readonly db: Vswitch;
  readonly writer: Writer;
  readonly cache: PoolCache;
  readonly offers: Offers;
  readonly reservations: Reservations;
  readonly policies: PolicyStores;
  /** How long an address rests after its pod. */
  readonly restMs: number;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  readonly log: Log;
}

export class PoolKeeper {
  readonly #options: KeeperOptions;
  /** row UUID -> when this process first saw it resting */
  readonly #resting = new Map<string, number>();
  /** UUIDs of rows that exist, or must have existed, and that the keeper has not removed. */
  #known: Set<string> | undefined;
  #hadPorts = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Why no pod can have a port here yet. When a pool runs empty later, each ADD waits by itself. */
  readonly notReady = (): string | undefined => {
    this.#hadPorts ||= this.#options.cache.ports().length > 0;
    return this.#hadPorts ? undefined : "the Weft controller has not offered this node a ready port yet";
  };

  /** The database has been read and nothing is left to change: no trace of an older offer remains. */
  settled(): boolean {
    return this.#options.cache.synced && poolChanges(this.#view()).length === 0;
  }

  /** Runs until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { cache, offers, reservations } = this.#options;
    const bell = new Bell();
    const unsubscribe = [
      offers.subscribe(bell.ring),
      reservations.subscribe(bell.ring),
      cache.subscribe(bell.ring),
    ];
    signal.addEventListener("abort", bell.ring);
    while (!signal.aborted) await bell.heard(await this.#once(signal));
    for (const end of unsubscribe) end();
  }

  /** Resolves with the milliseconds after which to look again if nothing happens before. */
  async #once(signal: AbortSignal): Promise<number | undefined> {
    const { db, writer, log } = this.#options;
    try {
      await db.ready(signal);
      this.#note();
      const changes = poolChanges(this.#view());
      if (changes.length === 0) return this.#nextRestMs();
      for (const { kind, uuid } of changes) {
        if (kind === "delete") this.#known?.delete(uuid);
        // A row that is used and given back before the next look starts its rest anew.
        this.#resting.delete(uuid);
      }
      await writer.write((tx) => {
        for (const change of changes) addChange(tx, change);
      });
      return 0;
    } catch (error) {
      if (!signal.aborted) log("warn", "the pool of ready ports was not brought up to date", { error });
      return retryMs;
    }
  }

  #view(): PoolView {
    const { scope, cache, offers, reservations, policies, restMs, now } = this.#options;
    const offer = offers.current;
    return {
      scope,
      offered: offer?.ports,
      offer,
      offerIds: cache.offerIds(),
      rows: cache.rows(offer?.ports.keys()),
      holders: (portName) => cache.holders(portName),
      rested: (uuid) => now() - (this.#resting.get(uuid) ?? now()) >= restMs,
      policed: policyKinds.some((kind) => !policies[kind].synced || policies[kind].size > 0),
      reserved: reservations.has,
      lost: (uuid) => this.#known?.has(uuid) === true,
    };
  }

  /** Notes which rows exist, and since when they have been resting. */
  #note(): void {
    const { cache, offers, now } = this.#options;
    const rows = cache.rows();
    const resting = new Set(rows.filter(({ port }) => port?.use.state === "resting").map(({ uuid }) => uuid));
    for (const uuid of this.#resting.keys()) if (!resting.has(uuid)) this.#resting.delete(uuid);
    for (const uuid of resting) if (!this.#resting.has(uuid)) this.#resting.set(uuid, now());
    const { current, node } = offers;
    if (!this.#known && current) {
      // The cache is empty on a node that had one: somebody deleted it while no agent was running.
      const emptied = rows.length === 0 && node !== undefined && poolSeenOf(node) !== undefined;
      this.#known = new Set(emptied ? current.ports.keys() : []);
    }
    for (const { uuid } of rows) this.#known?.add(uuid);
  }

  #nextRestMs(): number | undefined {
    const { restMs, now } = this.#options;
    const since = Math.min(...this.#resting.values());
    return Number.isFinite(since) ? Math.max(0, since + restMs - now()) : undefined;
  }
}
