// Waits for something to become true. Whatever changes it notifies the waiters: no polling, no event names.

export class Condition {
  readonly #waiters = new Set<() => void>();

  /** Something changed: the waiters check again. */
  notify(): void {
    for (const look of this.#waiters) look();
  }

  /** Resolves when `isTrue` is true, immediately if it already is. Rejects with the signal's reason if that aborts first. */
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
