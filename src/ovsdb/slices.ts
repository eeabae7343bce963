// Runs jobs one after another without blocking the event loop: a job is an iterator that pauses wherever it may be
// interrupted. Work that fits into one slice is done before `add` returns.

const sliceMs = 10;
/** Reading the time costs more than a small step. */
const stepsPerLook = 16;

export class Slices {
  readonly #failed: (error: unknown) => void;
  #jobs: Iterator<void>[] = [];
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  /** `failed` is called with what a job throws; the jobs behind it are dropped. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  add(job: Iterator<void>): void {
    this.#jobs.push(job);
    if (!this.#busy) this.#run();
  }

  /** Drops all jobs, including the one under way. */
  clear(): void {
    this.#jobs = [];
    this.#idle();
  }

  /** Resolves when no job is left, because all are done or were dropped. */
  idle(): Promise<void> {
    if (this.#jobs.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #idle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #run(): void {
    this.#busy = true;
    const until = performance.now() + sliceMs;
    try {
      for (let steps = 1; this.#jobs[0]; steps++) {
        const job = this.#jobs[0];
        if (job.next().done && this.#jobs[0] === job) this.#jobs.shift();
        if (steps % stepsPerLook === 0 && performance.now() >= until) {
          setImmediate(() => this.#run());
          return;
        }
      }
    } catch (error) {
      this.clear();
      this.#failed(error);
    }
    this.#busy = false;
    this.#idle();
  }
}
