// What a marker sends around a transaction, and how errors tell it from the transaction itself.

import type { Transaction } from "./transaction.ts";

/** Operations before and after a transaction, which its results and errors do not count. */
export interface Guard {
  readonly before: Transaction;
  readonly after: Transaction;
}

/** Index of the operations of `Guard.before` in an error. */
export const guardIndex = -1;
