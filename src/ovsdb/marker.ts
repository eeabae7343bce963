// Finds out what became of a transaction whose answer was lost, by sending it again in such a way that it is
// committed only once. The marker is a random text under one key of a map column. Each transaction waits until the
// marker has the value that the previous transaction left, and changes it to a value of its own. So of all copies of
// a transaction that are under way, over whatever connections and cluster members, at most one is committed, however
// late they arrive. This works for any transaction on any server, and costs one key in one row.
//
// Two alternatives do not work. A row with its own UUID for each transaction: a copy may sleep in a stopped server
// for hours, and nobody knows when that row may be deleted. Looking at the database alone: that cannot tell "not"
// from "not yet".

import { type Atom, isMapValue } from "./columnValue.ts";
import type { Condition } from "./condition.ts";
import type { Database, Row } from "./database.ts";
import { isOvsdbError, OvsdbError } from "./errors.ts";
import { type Guard, guardIndex } from "./guard.ts";
import { Transaction } from "./transaction.ts";
import type { TransactionResult } from "./transactionReply.ts";

/** One key of a map column of strings, in a row that exists and stays. Each writing program has a key of its own. */
export interface MarkerPlace {
  readonly table: string;
  readonly uuid: string;
  /** Most tables have one: `external_ids`. */
  readonly column: string;
  readonly key: string;
}

/** What a marker needs of its session. */
export interface MarkerSession {
  /** Commits a transaction, possibly empty, within `guard`. */
  readonly commit: (transaction: Transaction, guard?: Guard) => Promise<TransactionResult>;
  /** Resolves when it makes sense to try again. */
  readonly again: () => Promise<void>;
}

export class Marker {
  readonly place: MarkerPlace;
  /** The marker's value, as far as is known. */
  #mark: string | undefined;
  /** Values that abandoned transactions may still give to the marker. */
  readonly #loose = new Set<string>();
  #taken: OvsdbError | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(place: MarkerPlace) {
    this.place = place;
  }

  /**
   * Commits `transaction` once. Transactions of one marker are committed one after another, in the order of the
   * calls.
   */
  carry(transaction: Transaction, session: MarkerSession): Promise<TransactionResult> {
    const result = this.#last.then(() => this.#carry(transaction, session));
    this.#last = result.catch(() => {});
    return result;
  }

  async #carry(transaction: Transaction, session: MarkerSession): Promise<TransactionResult> {
    const database: Database<unknown> = { schema: transaction.schema };
    const mine = crypto.randomUUID();
    let lost = false;
    /**
     * Why the server refused it when it was sent again. Then it remains to make sure that no copy is committed later.
     */
    let refusal: OvsdbError | undefined;
    for (;;) {
      if (this.#taken) throw this.#taken;
      const next = refusal ? crypto.randomUUID() : mine;
      try {
        const mark = (this.#mark ??= await this.#begin(database, session));
        const content = refusal ? new Transaction(database) : transaction;
        const result = await session.commit(content, this.#guard(database, mark, next));
        this.#moved(next);
        if (!refusal) return result;
      } catch (error) {
        if (!isOvsdbError(error)) throw error;
        if (error.outcome === "committed") {
          this.#moved(next);
          throw error;
        }
        if (error.outcomeUnknown || ambiguous.has(error.code)) {
          this.#loose.add(next);
          if (final.has(error.code)) throw error;
          lost = true;
        } else if (error.operationIndex === guardIndex) {
          // A cluster's server that loses the lead tries again by itself, after what it may have committed.
          this.#loose.add(next);
          const found = await this.#find(database, session, lost);
          if (found === mine) return recovered(transaction.size);
          continue;
        } else if (!lost) throw error;
        else if (final.has(error.code) || refusal) throw unknownOutcome(refusal ?? error);
        else if (!error.retryable) {
          refusal = error;
          continue;
        }
        await session.again().catch((cause: unknown) => {
          throw unknownOutcome(
            isOvsdbError(cause) ? cause : new OvsdbError("canceled", String(cause), { cause }),
          );
        });
        continue;
      }
      throw refusal;
    }
  }

  #guard(database: Database<unknown>, mark: string, next: string): Guard {
    const { table, uuid, column, key } = this.place;
    const marked: Condition[] = [
      ["_uuid", "==", uuid],
      [column, "includes", new Map([[key, mark]])],
    ];
    return {
      before: new Transaction(database).wait(table, marked, { columns: [column], rows: [], until: "!=" }),
      after: new Transaction(database).mutateMap(table, uuid, column, { insert: new Map([[key, next]]) }),
    };
  }

  /** The marker's present value, or a first value, set now. */
  async #begin(database: Database<unknown>, session: MarkerSession): Promise<string> {
    const { table, uuid, column, key } = this.place;
    for (;;) {
      const entries = entriesOf(await this.#row(database, session), column);
      const there = entries.get(key);
      if (typeof there === "string") return there;
      const first = crypto.randomUUID();
      const set = new Transaction(database)
        .waitUntil(table, uuid, new Map([[column, entries]]))
        .mutateMap(table, uuid, column, { insert: new Map([[key, first]]) });
      try {
        await session.commit(set);
        return first;
      } catch (error) {
        // Another writer has changed the column meanwhile, or the answer was lost: look again.
        if (!isOvsdbError(error, "timed out") && !isOvsdbError(error, "connection lost")) throw error;
        await session.again();
      }
    }
  }

  /**
   * The marker is not where it was. Returns its value if that is one of ours; otherwise another program has taken it
   * over.
   */
  async #find(database: Database<unknown>, session: MarkerSession, lost: boolean): Promise<string> {
    const { table, uuid, column, key } = this.place;
    for (;;) {
      try {
        const there = entriesOf(await this.#row(database, session), column).get(key);
        if (typeof there === "string" && this.#loose.has(there)) {
          this.#moved(there);
          return there;
        }
        const message = `marker ${key} in ${table} ${uuid}: moved by another program, which now writes in place of this one`;
        this.#taken = new OvsdbError("not owner", message);
        throw lost ? new OvsdbError("not owner", message, { outcome: "unknown" }) : this.#taken;
      } catch (error) {
        if (!isOvsdbError(error) || !error.retryable || error.code === "canceled") throw error;
        await session.again();
      }
    }
  }

  async #row(database: Database<unknown>, session: MarkerSession): Promise<Row> {
    const { table, uuid, column } = this.place;
    const query = new Transaction(database).select(table, uuid, [column]);
    const { operations } = await session.commit(query);
    const row = operations[0]?.rows?.[0];
    if (row) return row;
    throw new OvsdbError("no row", `marker: there is no row ${uuid} in ${table}`, { table, uuid });
  }

  /** All abandoned transactions now wait for a value that the marker will never have again. */
  #moved(to: string): void {
    this.#mark = to;
    this.#loose.clear();
  }
}

/** Errors of a cluster after which its members may still commit. */
const ambiguous: ReadonlySet<string> = new Set(["cluster error", "not leader"]);

/** After these nothing more can be found out. */
const final: ReadonlySet<string> = new Set(["canceled", "closed"]);

const unknownOutcome = (cause: OvsdbError): OvsdbError =>
  new OvsdbError(cause.code, `transact: given up before the outcome was known: ${cause.message}`, {
    cause,
    outcome: "unknown",
  });

function entriesOf(row: Row, column: string): ReadonlyMap<Atom, Atom> {
  const value = row[column];
  return isMapValue(value) ? value : new Map();
}

const recovered = (size: number): TransactionResult => ({
  operations: Array.from({ length: size }, () => ({})),
  recovered: true,
});
