// A row that is in a northbound database for certain, whatever happens to connections and servers meanwhile.

import { northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, type Session, Transaction } from "../../src/ovsdb/index.ts";

/** Inserts an Address_Set of that name under a UUID of its own, until it is known to be there; at most 30 s. */
export async function commitOnce(session: Session, name: string): Promise<void> {
  const insert = new Transaction(northbound).insert("Address_Set", { name }, crypto.randomUUID());
  const signal = AbortSignal.timeout(30_000);
  for (;;) {
    await session.connected(signal);
    try {
      await session.transact(insert, { signal });
      return;
    } catch (error) {
      if (isOvsdbError(error, "duplicate uuid")) return;
      if (!isOvsdbError(error) || !error.retryable) throw error;
    }
  }
}
