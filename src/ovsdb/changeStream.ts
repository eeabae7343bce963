// Changes of a replica as an async iterable. While the reader is busy, the changes of one row are merged into one, so
// that a slow reader costs at most one change per row and always sees the newest state.

import type { AnyChange } from "./change.ts";
import { deferred } from "./deferred.ts";
import { ShardedMap } from "./shardedMap.ts";
import { Slices } from "./slices.ts";

export class ChangeStream {
  readonly #merging = new Slices((error) => {
    throw error;
  });
  /** The changes of one push, unmerged: usually they are read before more arrive. */
  #only: readonly AnyChange[] = [];
  /** The changes of several pushes, by table and UUID. */
  #merged = new ShardedMap<string, AnyChange>();
  #wake: (() => void) | undefined;

  /** Takes the changes of one update, at most one per row. */
  push(changes: readonly AnyChange[]): void {
    if (this.#only.length === 0 && this.#merged.size === 0) this.#only = changes;
    else {
      this.#merging.add(this.#merge(this.#only));
      this.#merging.add(this.#merge(changes));
      this.#only = [];
    }
    this.#wake?.();
  }

  /** Yields what has been pushed and not yet read, until `signal` is aborted. */
  async *read(signal: AbortSignal): AsyncGenerator<readonly AnyChange[], void> {
    while (!signal.aborted) {
      await this.#merging.idle();
      const changes = this.#take();
      if (changes.length > 0) yield changes;
      else await this.#pushed(signal);
    }
  }

  *#merge(changes: readonly AnyChange[]): Generator<void> {
    for (const change of changes) {
      const key = `${change.table} ${change.uuid}`;
      const before = this.#merged.get(key);
      const merged = before ? { ...change, old: before.old } : change;
      if (merged.old || merged.new) this.#merged.set(key, merged);
      else this.#merged.delete(key);
      yield;
    }
  }

  #take(): readonly AnyChange[] {
    const changes = this.#only.length > 0 ? this.#only : [...this.#merged.values()];
    this.#only = [];
    this.#merged = new ShardedMap();
    return changes;
  }

  async #pushed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = deferred();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal.addEventListener("abort", wake);
    if (signal.aborted) resolve();
    await promise;
    signal.removeEventListener("abort", wake);
  }
}
