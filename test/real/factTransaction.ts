// Facts as one transaction into an empty database: what apply/ does in batches, without its safeguards.

import type { Atom, Fact } from "../../src/model/fact.ts";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { Transaction } from "../../src/ovsdb/index.ts";

export function factTransaction(facts: Iterable<Fact>): Transaction<NorthboundTables> {
  const transaction = new Transaction(northbound);
  const members: { table: string; uuid: string; column: string; value: Atom }[] = [];
  for (const fact of facts) {
    if (fact.kind === "row") transaction.insert(fact.table, fact.columns, fact.uuid);
    else members.push(fact);
  }
  for (const { table, uuid, column, value } of members) {
    transaction.mutateSet(table, uuid, column, "insert", [value]);
  }
  return transaction;
}
