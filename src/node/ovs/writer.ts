// Batches writes to the Open vSwitch database: whatever is requested while a transaction is under way goes out
// together in the next one. So vswitchd and ovn-controller wake up once for a burst of pods instead of once for each.

import { type VswitchTables, vswitch } from "../../ovn/vswitch.gen.ts";
import { isOvsdbError, type Session, Transaction } from "../../ovsdb/index.ts";

type Build = (tx: Transaction<VswitchTables>) => unknown;

interface Pending {
  readonly build: Build;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Writer {
  readonly #session: Session;
  #pending: Pending[] = [];
  #busy = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Adds the operations of `build` to the next transaction. Settles when that part of the transaction does. */
  write(build: Build): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ build, resolve, reject });
      if (!this.#busy) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      await this.#commit(batch);
    }
    this.#busy = false;
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    const tx = new Transaction(vswitch);
    for (const { build } of batch) build(tx);
    if (tx.size === 0) return batch.forEach(({ resolve }) => resolve());
    try {
      await this.#session.transact(tx);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      // One refused part must not take the others with it: sent alone, each gets its own answer.
      const refused = isOvsdbError(error) && !error.retryable && !error.outcomeUnknown;
      if (batch.length === 1 || !refused) for (const { reject } of batch) reject(error);
      else for (const one of batch) await this.#commit([one]);
    }
  }
}
