// Waiting for something to become true, told by whoever changes it: no polling, no event names.

export class Condition {
  readonly #waiters = new Set<() => void>();

  /** Something changed: those who wait look again. */
  notify(): void {
    for (const look of this.#waiters) look();
  }

  /** Resolves when `isTrue`, at once if it is. Rejects with the signal's reason when it is aborted first. */
  until(isTrue: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!signal?.aborted && !isTrue()) return;
        this.#waiters.delete(look);
        signal?.removeEventListener("abort", look);
        if (signal?.aborted) reject(signal.reason);
        else resolve();
      };
      this.#waiters.add(look);
      signal?.addEventListener("abort", look);
      look();
    });
  }
}
