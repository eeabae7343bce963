// Does something about keys, one at a time and with pauses, so that a thousand of them at once do not crowd out what
// else has to be done. A key that is added again while it waits is served once, and never twice in quick succession.

import type { Clock } from "../kube/clock.ts";

export interface DripOptions<K> {
  readonly act: (key: K) => void;
  /** Between two keys. */
  readonly everyMs: number;
  /** Between two times for one key. */
  readonly againMs: number;
  readonly clock: Pick<Clock, "now" | "after">;
  readonly signal: AbortSignal;
}

export class Drip<K> {
  readonly #options: DripOptions<K>;
  /** key -> not before this time */
  readonly #waiting = new Map<K, number>();
  /** key -> when it was served last */
  readonly #served = new Map<K, number>();
  #nextMs = 0;
  #callOff: (() => void) | undefined;

  constructor(options: DripOptions<K>) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#callOff?.());
  }

  add(key: K): void {
    const { againMs, clock } = this.#options;
    const served = this.#served.get(key);
    if (!this.#waiting.has(key))
      this.#waiting.set(key, served === undefined ? clock.now() : served + againMs);
    this.#schedule();
  }

  /** Forgets the key. */
  forget(key: K): void {
    this.#waiting.delete(key);
    this.#served.delete(key);
  }

  #schedule(): void {
    const { clock, signal } = this.#options;
    this.#callOff?.();
    this.#callOff = undefined;
    if (this.#waiting.size === 0 || signal.aborted) return;
    let first = Infinity;
    for (const due of this.#waiting.values()) first = Math.min(first, due);
    const delayMs = Math.max(first, this.#nextMs) - clock.now();
    this.#callOff = clock.after(Math.max(0, delayMs), () => this.#serve());
  }

  #serve(): void {
    const { act, everyMs, clock } = this.#options;
    const now = clock.now();
    for (const [key, due] of this.#waiting) {
      if (due > now) continue;
      this.#waiting.delete(key);
      this.#served.set(key, now);
      this.#nextMs = now + everyMs;
      act(key);
      break;
    }
    this.#schedule();
  }
}
