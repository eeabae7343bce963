// A writer whose transactions must not be repeated, lost or reordered: it counts, and inserts, renames and deletes rows
// that have no UUID of their own and no unique name. Markers ensure that. If they fail, the database differs from the
// model in the end.

import assert from "node:assert/strict";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, Marker, type Session, Transaction } from "../../src/ovsdb/index.ts";
import type { SeededRandom } from "../real/random.ts";

export interface Chain {
  /** Commits one random transaction. Resolves with whether its outcome had to be found out. */
  next(): Promise<boolean>;
  /** How often it has counted. */
  readonly counted: number;
  /** The names of its routers, one for each row. */
  readonly routers: readonly string[];
}

export interface ChainOptions {
  readonly session: Session;
  /** The row of NB_Global. It holds the count, and the marker of each chain. */
  readonly root: string;
  readonly name: string;
  readonly random: SeededRandom;
}

export function startChain({ session, root, name, random }: ChainOptions): Chain {
  const marker = new Marker({ table: "NB_Global", uuid: root, column: "external_ids", key: name });
  const routers: string[] = [];
  const mustHit = { allowMissing: false };
  let counted = 0;
  let steps = 0;

  function step(): Transaction<NorthboundTables> {
    const transaction: Transaction<NorthboundTables> = new Transaction(northbound);
    const fresh = `${name}-${steps++}`;
    const at = random.below(routers.length);
    const there = routers[at];
    const choice = there === undefined ? random.below(2) : random.below(4);
    switch (choice) {
      case 0:
        counted++;
        return transaction.mutateNumber("NB_Global", root, "nb_cfg", "+=", 1);
      case 1:
        routers.push(fresh);
        return transaction.insert("Logical_Router", { name: fresh });
      case 2:
        routers[at] = fresh;
        return transaction.update("Logical_Router", [["name", "==", there ?? ""]], { name: fresh }, mustHit);
      default:
        routers.splice(at, 1);
        return transaction.delete("Logical_Router", [["name", "==", there ?? ""]], mustHit);
    }
  }

  return {
    async next() {
      const transaction = step();
      for (let attempt = 0; attempt < 1000; attempt++) {
        await session.connected();
        try {
          const { operations, recovered } = await session.transact(transaction, { marker });
          if (!recovered) for (const { count } of operations) assert(count === undefined || count === 1);
          return recovered ?? false;
        } catch (error) {
          // It may only be refused on the first attempt, when that does no harm.
          assert(notSent(error), String(error));
        }
      }
      throw new Error(`${String(transaction)}: refused too often`);
    },
    get counted() {
      return counted;
    },
    routers,
  };
}

const notSent = (error: unknown): boolean =>
  isOvsdbError(error) && error.retryable && error.outcome === "not committed";
