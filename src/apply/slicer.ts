// Keeps long loops from holding the event loop: `if (slicer.due) await slicer.pause()`.

import { setImmediate } from "node:timers/promises";

const sliceMs = 8;
/** Reading the clock costs more than a small step. */
const stepsPerLook = 16;

export class Slicer {
  readonly #now: () => number;
  #until: number;
  #steps = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#until = now() + sliceMs;
  }

  /** Whether it is time to let others run. */
  get due(): boolean {
    return ++this.#steps % stepsPerLook === 0 && this.#now() >= this.#until;
  }

  /** Runs `job` to its end. The job yields wherever others may run. */
  async run<T>(job: Iterator<void, T>): Promise<T> {
    for (;;) {
      const step = job.next();
      if (step.done) return step.value;
      if (this.due) await this.pause();
    }
  }

  async pause(): Promise<void> {
    await setImmediate();
    this.#until = this.#now() + sliceMs;
  }
}
