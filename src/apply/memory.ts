// What must be remembered beyond the life of a controller, in a row of Weft's own that no fact states. Like the fence
// (fence.ts) it is an Address_Set that nobody uses.

import { ownership } from "../model/names.ts";
import { parseVersions, type Remembered, versionsText } from "../model/remembered.ts";
import { rowUuid } from "../model/uuid.ts";
import { type AnyReplica, type Database, type Session, Transaction } from "../ovsdb/index.ts";
import type { Fence } from "./fence.ts";

const table = "Address_Set";
const clusterKey = "weft.io/kube-system";
const versionsKey = "weft.io/versions";

const nameOf = (cluster: string): string => `${cluster.replaceAll("-", "_")}_memory`;

/** The UUID of a cluster's memory. */
export const memoryRow = (cluster: string): string => rowUuid(cluster, table, nameOf(cluster));

/** Undefined when nothing valid has been written yet. The replica must be complete. */
export function rememberedIn(replica: Pick<AnyReplica, "table">, of: string): Remembered | undefined {
  const ids = replica.table(table).get(memoryRow(of))?.external_ids;
  const cluster = ids instanceof Map ? ids.get(clusterKey) : undefined;
  if (!(ids instanceof Map) || typeof cluster !== "string" || cluster === "") return undefined;
  return { cluster, versions: parseVersions(String(ids.get(versionsKey) ?? "")) };
}

export interface MemoryOptions {
  readonly database: Database<unknown>;
  readonly cluster: string;
  readonly session: Pick<Session, "transact">;
  readonly replica: Pick<AnyReplica, "table">;
  readonly fence: Fence;
}

export class Memory {
  readonly #options: MemoryOptions;
  readonly #row: string;

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#row = memoryRow(options.cluster);
  }

  read(): Remembered | undefined {
    return rememberedIn(this.#options.replica, this.#options.cluster);
  }

  /** Only the holder of the fence may write. */
  async write(remembered: Remembered, signal: AbortSignal): Promise<void> {
    const { database, cluster, session, replica, fence } = this.#options;
    const columns = {
      name: nameOf(cluster),
      external_ids: new Map([
        [ownership.cluster, cluster],
        [ownership.owner, "memory"],
        [clusterKey, remembered.cluster],
        [versionsKey, versionsText(remembered.versions)],
      ]),
    };
    const transaction = fence.guard(new Transaction(database));
    if (replica.table(table).get(this.#row)) transaction.update(table, this.#row, columns);
    else transaction.insert(table, columns, this.#row);
    await session.transact(transaction, { signal });
  }
}
