// A condition that comes and goes ("connected", "synced") and that callers can wait for.

import { deferred } from "./deferred.ts";

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

  /** Resolves when the gate is open; rejects with the signal's reason if that is aborted first. */
  async wait(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#open) return;
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve, reject } = deferred();
    const waiter = { resolve, reject };
    const abort = (): void => reject(signal?.reason);
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
