// Whether the server at the other end is one to stay with. Servers since Open vSwitch 2.9 tell in their `_Server`
// database: is this a member of a cluster, does it lead, is it connected to the majority, how far has its log come.

import type { Row } from "./database.ts";

export class Membership {
  readonly #leaderOnly: boolean;
  /** The cluster seen last, and the highest log index seen in it: a member behind that would take us back in time. */
  #cluster: unknown;
  #index = 0;

  constructor(leaderOnly: boolean) {
    this.#leaderOnly = leaderOnly;
  }

  /** Why not to stay with a server whose `_Server` row for the database is `row`; undefined to stay. */
  refusal(row: Row | undefined): string | undefined {
    if (!row) return undefined;
    if (row.model === "relay") return row.connected ? undefined : "the relay has lost its source";
    if (row.model !== "clustered") return undefined;
    if (!row.connected) return "the cluster member is cut off from the majority, or has failed: see its log";
    if (this.#leaderOnly && !row.leader) return "the cluster member does not lead";
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
    return `the cluster member is stale: at index ${index}, seen ${this.#index}; if the database was put back, start anew`;
  }
}
