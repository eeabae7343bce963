// The changes of one kind that wait for one watch. As in the real server, a watch that falls too far behind is ended:
// the client starts again, and the server does not have to remember without limit.

import { once } from "node:events";
import type { Change, Shelf } from "../store/shelf.ts";

const maxWaiting = 100_000;

export interface Taken {
  readonly changes: readonly Change[];
  /** Nothing more is waiting, and it is time for a bookmark. */
  readonly idle: boolean;
}

/** Listens from construction to disposal, so that no change is missed while the beginning is written. */
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

  /** Whether the watch ends after what it has: it is too far behind, or its kind is no longer served. */
  get ended(): boolean {
    return this.#waiting.length > maxWaiting || this.#shelf.closed.aborted;
  }

  /** All waiting changes, as soon as there are some, a bookmark is due or `signal` aborts. */
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
