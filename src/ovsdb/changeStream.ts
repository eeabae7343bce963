// Changes of a replica as an async iterable. While the reader is busy, the changes of one row are merged into one,
// so that a slow reader costs at most one change per row and always sees the newest state.

import { deferred } from "./deferred.ts";
import type { AnyChange } from "./replica.ts";

export class ChangeStream {
  #pending = new Map<string, AnyChange>();
  #wake: (() => void) | undefined;

  push(changes: readonly AnyChange[]): void {
    for (const change of changes) {
      const key = `${change.table} ${change.uuid}`;
      const before = this.#pending.get(key);
      const merged = before ? { ...change, old: before.old } : change;
      if (merged.old || merged.new) this.#pending.set(key, merged);
      else this.#pending.delete(key);
    }
    if (this.#pending.size > 0) this.#wake?.();
  }

  /** What was pushed and not yet read, again and again, until `signal` is aborted. */
  async *read(signal: AbortSignal): AsyncGenerator<readonly AnyChange[], void> {
    while (!signal.aborted) {
      if (this.#pending.size === 0) await this.#pushed(signal);
      if (this.#pending.size === 0) continue;
      const changes = [...this.#pending.values()];
      this.#pending = new Map();
      yield changes;
    }
  }

  async #pushed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = deferred();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal.addEventListener("abort", wake);
    await promise;
    signal.removeEventListener("abort", wake);
  }
}
