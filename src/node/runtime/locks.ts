// Mutual exclusion by key: a container's attachment, a pod's port.

export class Locks {
  /** key -> the end of the last task in its queue */
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `task` once all earlier tasks with one of `keys` have ended. */
  async run<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const earlier = keys.flatMap((key) => this.#last.get(key) ?? []);
    const { promise, resolve } = Promise.withResolvers<void>();
    // A task takes all its keys at once, so two tasks can never wait for each other.
    for (const key of keys) this.#last.set(key, promise);
    try {
      await Promise.all(earlier);
      return await task();
    } finally {
      resolve();
      for (const key of keys) if (this.#last.get(key) === promise) this.#last.delete(key);
    }
  }
}
