// The history that one API server's resource versions count. A server that is restored from a backup goes back to an
// earlier version and counts on from there, differently: earlier versions then prove nothing. Code that remembers
// versions, or relies on what it once wrote, subscribes.

export class History {
  readonly #listeners = new Set<() => void>();

  /** The server has gone back to an earlier version. `by`, the listener who found out, is not called. */
  restart(by: () => void): void {
    for (const listener of [...this.#listeners]) if (listener !== by) listener();
  }

  /** Calls `listener` whenever a new history has begun, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
