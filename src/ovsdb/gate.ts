// A condition that comes and goes ("connected", "synced") and that callers can wait for.

import { deferred } from "./deferred.ts";
import { givenUp } from "./errors.ts";

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class Gate {
  readonly #waiters = new Set<Waiter>();
  #open = false;
  #failure: unknown;

  get isOpen(): boolean {
    return this.#open;
  }

  open(): void {
    this.#open = true;
    for (const waiter of this.#waiters) waiter.resolve();
  }

  shut(): void {
    this.#open = false;
  }

  /** It will never open again: everyone who waits, now or later, gets `reason`. */
  fail(reason: unknown): void {
    this.#open = false;
    this.#failure = reason;
    for (const waiter of this.#waiters) waiter.reject(reason);
  }

  /** Resolves when the gate is open. If `signal` is aborted first, rejects with "canceled", `what` and the reason. */
  async wait(signal: AbortSignal | undefined, what: () => string): Promise<void> {
    if (signal?.aborted) throw givenUp(what(), signal);
    if (this.#open) return;
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve, reject } = deferred();
    const waiter = { resolve, reject };
    const abort = (): void => signal && reject(givenUp(what(), signal));
    this.#waiters.add(waiter);
    signal?.addEventListener("abort", abort);
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal?.removeEventListener("abort", abort);
    }
  }
}
