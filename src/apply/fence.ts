// The fence: a row of Weft's own with an epoch that only grows. The winner of the Lease takes it over by
// compare-and-swap. Every transaction of the engine begins with a `wait` of zero time-out for its own epoch. So a
// controller that lost its Lease without noticing writes nothing, whichever member of a cluster it talks to.
//
// The row is an Address_Set that nobody uses, because a write to that table costs northd next to nothing.

import { sameEntries } from "../model/fact.ts";
import { ownership } from "../model/names.ts";
import { rowUuid } from "../model/uuid.ts";
import {
  type AnyReplica,
  type Database,
  isOvsdbError,
  type Row,
  type Session,
  Transaction,
} from "../ovsdb/index.ts";
import { FenceLostError } from "./errors.ts";

const table = "Address_Set";
const epochKey = "weft.io/epoch";
const holderKey = "weft.io/holder";
/** When several take it at once, each round lets one of them through and costs the others an attempt. */
const attempts = 10;

export interface FenceOptions {
  readonly database: Database<unknown>;
  readonly cluster: string;
  /** Who holds it: unique for each process and each term. */
  readonly holder: string;
}

// Names of address sets allow no `-`, and a cluster's id no `_`, so the names of two clusters never collide.
const nameOf = (cluster: string): string => `${cluster.replaceAll("-", "_")}_fence`;

/** The UUID of a cluster's fence. The row is Weft's, but no fact states it. */
export const fenceRow = (cluster: string): string => rowUuid(cluster, table, nameOf(cluster));

export class Fence {
  /** The UUID from `fenceRow`. */
  readonly row: string;
  readonly #options: FenceOptions;
  readonly #name: string;
  #epoch: number | undefined;

  constructor(options: FenceOptions) {
    this.#options = options;
    this.#name = nameOf(options.cluster);
    this.row = fenceRow(options.cluster);
  }

  /** The epoch that is held; undefined before `take`. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  /** Takes the fence over from its holder. Only the holder of the Lease may call this. */
  async take(
    session: Pick<Session, "transact">,
    replica: Pick<AnyReplica, "ready" | "table">,
    signal?: AbortSignal,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await replica.ready(signal);
      const found = replica.table(table).get(this.row);
      if (found && this.#isOwn(found)) {
        this.#epoch = epochOf(found);
        return;
      }
      const epoch = found ? epochOf(found) + 1 : 1;
      try {
        await session.transact(this.#takeOver(found, epoch), signal && { signal });
        this.#epoch = epoch;
        return;
      } catch (error) {
        // Another process took it in between, or the answer was lost: the replica shows which.
        const again = isOvsdbError(error) && (error.retryable || error.code !== "permission error");
        if (!again || attempt === attempts) throw error;
      }
    }
  }

  /** Makes `transaction` fail unless this fence is still held. */
  guard(transaction: Transaction): Transaction {
    if (this.#epoch === undefined) throw new FenceLostError("the fence was never taken");
    return transaction.waitUntil(table, this.row, { external_ids: this.#idsOf(this.#epoch) });
  }

  /** The error for a guarded transaction that the fence, its first operation, refused; undefined for any other failure. */
  lost(error: unknown): FenceLostError | undefined {
    if (!isOvsdbError(error, "timed out") || error.operationIndex !== 0) return undefined;
    return this.#over(error);
  }

  /** The error when `replica` shows that somebody took the fence after this one; undefined otherwise. */
  takenIn(replica: Pick<AnyReplica, "table">): FenceLostError | undefined {
    const row = replica.table(table).get(this.row);
    // The replica may not show our own epoch yet.
    if (!row || this.#epoch === undefined || epochOf(row) < this.#epoch) return undefined;
    return this.#isOwn(row) ? undefined : this.#over();
  }

  #over(cause?: unknown): FenceLostError {
    return new FenceLostError(
      `epoch ${this.#epoch} of the fence ${this.#name} is over: another controller took the fence; this one must not write`,
      { cause },
    );
  }

  #takeOver(found: Row | undefined, epoch: number): Transaction {
    const ids = { external_ids: this.#idsOf(epoch) };
    const transaction = new Transaction(this.#options.database);
    if (!found) return transaction.insert(table, { name: this.#name, ...ids }, this.row);
    return transaction
      .waitUntil(table, this.row, { external_ids: found.external_ids })
      .update(table, this.row, ids);
  }

  #idsOf(epoch: number): ReadonlyMap<string, string> {
    return new Map([
      [ownership.cluster, this.#options.cluster],
      [ownership.owner, "fence"],
      [epochKey, String(epoch)],
      [holderKey, this.#options.holder],
    ]);
  }

  #isOwn(row: Row): boolean {
    return row.external_ids instanceof Map && sameEntries(row.external_ids, this.#idsOf(epochOf(row)));
  }
}

/** The row's epoch. 0 when somebody overwrote it with something else; then the next epoch is 1 and all others are void. */
function epochOf(row: Row): number {
  const epoch = row.external_ids instanceof Map ? Number(row.external_ids.get(epochKey)) : Number.NaN;
  return Number.isSafeInteger(epoch) ? epoch : 0;
}
