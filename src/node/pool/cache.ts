// The node's ready ports, as they are in the Open vSwitch database now.

import type { Cidr } from "../../model/ip.ts";
import { networkAround } from "../../model/network.ts";
import type { PoolSeen } from "../../model/pool.ts";
import type { Change } from "../../ovsdb/index.ts";
import type { AttachmentId } from "../nouns/attachment.ts";
import { attachmentKeys, byPool, byPortName, type FollowedTables, type Vswitch } from "../ovs/vswitch.ts";
import type { Source } from "../wait/whenever.ts";
import {
  type CachedPort,
  type ExternalIds,
  type Holder,
  offerRowOf,
  type PoolScope,
  portIn,
  type TakenOffer,
} from "./queueRow.ts";

export interface CacheRow {
  readonly uuid: string;
  readonly ids: ExternalIds;
  /** Undefined when the row is not valid. */
  readonly port: CachedPort | undefined;
}

export type SoundRow = CacheRow & { readonly port: CachedPort };

export class PoolCache implements Source {
  readonly #db: Vswitch;
  readonly #scope: PoolScope;
  /** Rows of the replica are immutable, so each is parsed once. */
  readonly #parsed = new WeakMap<object, CacheRow>();

  constructor(db: Vswitch, scope: PoolScope) {
    this.#db = db;
    this.#scope = scope;
  }

  /**
   * Calls `listener` when a change may affect a port's row or its holder; while a pod starts, much else changes in
   * the database.
   */
  subscribe(listener: () => void): () => void {
    return this.#db.subscribe((changes) => {
      if (changes.some(concernsPool)) listener();
    });
  }

  /** Resolves when the database has been read; rejects with the signal's reason when it aborts first. */
  ready(signal: AbortSignal): Promise<void> {
    return this.#db.ready(signal);
  }

  get synced(): boolean {
    return this.#db.synced;
  }

  /** Every row that claims to be of this cluster's pool, or whose UUID is one of `places`. */
  rows(places: Iterable<string> = []): readonly CacheRow[] {
    const table = this.#db.table("Queue");
    const rows = new Map(table.by(byPool, this.#scope.names.cluster).map((row) => [row._uuid, row]));
    for (const place of places) {
      const row = rows.has(place) ? undefined : table.get(place);
      if (row) rows.set(row._uuid, row);
    }
    return [...rows.values()].map((row) => this.#parse(row, row._uuid, row.external_ids));
  }

  /** The valid rows. */
  ports(): readonly SoundRow[] {
    return this.rows().filter((row): row is SoundRow => row.port !== undefined);
  }

  /** The row that remembers the offer that was taken in last. */
  offerIds(): ExternalIds | undefined {
    return this.#db.table("Queue").get(offerRowOf(this.#scope))?.external_ids;
  }

  /** The subnets of the ready ports; used ports may be in former ones. Undefined when there is no ready port. */
  subnets(): readonly Cidr[] | undefined {
    const ready = this.ports().find(({ port }) => port.use.state === "ready");
    return ready?.port.network.addresses.map(networkAround);
  }

  /** The port that the attachment has claimed. */
  claimOf(id: AttachmentId): SoundRow | undefined {
    return this.ports().find(({ port: { use } }) => use.state === "claimed" && isOf(use.holder, id));
  }

  /** The attachments whose interfaces claim to be the port. */
  holders(portName: string): readonly Holder[] {
    return this.#db
      .table("Interface")
      .by(byPortName, portName)
      .map(({ external_ids: ids }) => ({
        container: ids.get(attachmentKeys.container) ?? "",
        ifname: ids.get(attachmentKeys.ifname) ?? "",
        pod: ids.get(attachmentKeys.pod) ?? "",
        podUid: ids.get(attachmentKeys.podUid) ?? "",
      }));
  }

  #parse(row: object, uuid: string, ids: ExternalIds): CacheRow {
    const known = this.#parsed.get(row);
    if (known) return known;
    const parsed = { uuid, ids, port: portIn(this.#scope, uuid, ids) };
    this.#parsed.set(row, parsed);
    return parsed;
  }
}

function concernsPool(change: Change<FollowedTables>): boolean {
  if (change.table === "Queue") return true;
  if (change.table !== "Interface") return false;
  const key = byPortName.slice("external_ids:".length);
  return change.old?.external_ids.get(key) !== change.new?.external_ids.get(key);
}

export const isOf = (holder: Holder, { container, ifname }: AttachmentId): boolean =>
  holder.container === container && holder.ifname === ifname;

/** What to tell the controller once the offer has been taken in. */
export function poolSeen({ line, generation }: TakenOffer, ports: readonly CachedPort[]): PoolSeen {
  const offsets = (chosen: (port: CachedPort) => boolean): readonly number[] =>
    ports
      .filter(chosen)
      .map(({ offset }) => offset)
      .toSorted((a, b) => a - b);
  return {
    line,
    generation,
    used: offsets(({ use }) => use.state !== "ready"),
    spent: offsets(({ use }) => use.state === "spent"),
  };
}
