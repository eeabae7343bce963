// The operations that a marker wraps around a transaction, and how errors distinguish them from the transaction
// itself.

import type { Transaction } from "./transaction.ts";

/** Operations before and after a transaction. They do not count in its results and errors. */
export interface Guard {
  readonly before: Transaction;
  readonly after: Transaction;
}

/** The operation index of `Guard.before` in an error. */
export const guardIndex = -1;
