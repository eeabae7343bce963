// Whether to stay with the server at the other end. Since Open vSwitch 2.9, servers say in their `_Server` database
// whether they are members of a cluster, whether they lead, whether they are connected to the majority, and how far
// their log goes.

import type { Row } from "./database.ts";

export class Membership {
  readonly #leaderOnly: boolean;
  /**
   * The cluster seen last, and the highest log index seen in it. A member that is behind would take us back in time.
   */
  #cluster: unknown;
  #index = 0;

  constructor(leaderOnly: boolean) {
    this.#leaderOnly = leaderOnly;
  }

  /** Why not to stay with a server that has `row` in `_Server` for the database; undefined to stay. */
  refusal(row: Row | undefined): string | undefined {
    if (!row) return undefined;
    if (row.model === "relay") return row.connected ? undefined : "the relay has lost its source";
    if (row.model !== "clustered") return undefined;
    if (!row.connected) return "the cluster member is cut off from the majority, or has failed: see its log";
    if (this.#leaderOnly && !row.leader) return "the cluster member is not the leader";
    if (row.cid !== this.#cluster) {
      this.#cluster = row.cid;
      this.#index = 0;
    }
    const index = typeof row.index === "number" ? row.index : 0;
    if (index < this.#index) return this.#stale(index);
    this.#index = index;
    return undefined;
  }

  #stale(index: number): string {
    return `the cluster member is stale: at index ${index}, but ${this.#index} was seen before; if the database was restored from a backup, restart this program`;
  }
}
