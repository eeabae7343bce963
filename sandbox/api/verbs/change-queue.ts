// The changes of one kind waiting for one watch. A watch that falls too far behind is ended, as the real server does:
// the client then starts anew instead of the server remembering without bound.

import { once } from "node:events";
import type { Change, Shelf } from "../store/shelf.ts";

const maxWaiting = 100_000;

export interface Taken {
  readonly changes: readonly Change[];
  /** Nothing waits behind these and the time for a bookmark has come. */
  readonly idle: boolean;
}

/** Listens from its making to its disposal, so that no change is missed while the beginning is written. */
export class ChangeQueue implements Disposable {
  readonly #shelf: Shelf;
  readonly #wake = new EventTarget();
  readonly #timer: NodeJS.Timeout;
  readonly #awaken = (): void => void this.#wake.dispatchEvent(new Event("wake"));
  readonly #listen = (change: Change): void => this.#push(change);
  #waiting: Change[] = [];
  #due = false;

  constructor(shelf: Shelf, bookmarkIntervalMs: number) {
    this.#shelf = shelf;
    shelf.listeners.add(this.#listen);
    shelf.closed.addEventListener("abort", this.#awaken);
    this.#timer = setInterval(() => {
      this.#due = true;
      this.#awaken();
    }, bookmarkIntervalMs);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    this.#shelf.listeners.delete(this.#listen);
    this.#shelf.closed.removeEventListener("abort", this.#awaken);
    clearInterval(this.#timer);
  }

  /** Whether the watch ends with what it has: it is too far behind, or its kind is served no more. */
  get ended(): boolean {
    return this.#waiting.length > maxWaiting || this.#shelf.closed.aborted;
  }

  /** All changes that wait, once there are some or a bookmark is due or `signal` fires. */
  async take(signal: AbortSignal): Promise<Taken> {
    if (this.#waiting.length === 0 && !this.#due && !this.ended && !signal.aborted)
      await once(this.#wake, "wake", { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    const taken = { changes: this.#waiting, idle: this.#due };
    this.#waiting = [];
    this.#due = false;
    return taken;
  }

  #push(change: Change): void {
    this.#waiting.push(change);
    if (this.#waiting.length === 1) this.#awaken();
  }
}
