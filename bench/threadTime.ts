// The longest time that the event loop was held, in processor time of its thread, to which other load on the machine
// does not add. Some kernels count it in whole milliseconds, so it cannot measure anything shorter.

export class StallMeter {
  #last = threadMs();
  #longestMs = 0;
  readonly #timer = setInterval(() => this.#look(), 1).unref();

  get longestMs(): number {
    return this.#longestMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = threadMs();
    this.#longestMs = Math.max(this.#longestMs, now - this.#last);
    this.#last = now;
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
