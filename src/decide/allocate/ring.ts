// Numbers given out in a circle (next-fit), so that one that came free rests as long as possible: connections, ARP
// caches and logs that still mean its former holder have time to go away. Who holds what is the caller's knowledge.

export class Ring {
  readonly size: number;
  #next = 0;

  /** The numbers are 0 … size − 1. */
  constructor(size: number) {
    this.size = size;
  }

  /** The next number that `accept` takes, or undefined after a full turn. */
  take(accept: (number: number) => boolean): number | undefined {
    for (let step = 0; step < this.size; step++) {
      const number = (this.#next + step) % this.size;
      if (!accept(number)) continue;
      this.#next = (number + 1) % this.size;
      return number;
    }
    return undefined;
  }

  /** `number` was found taken at the start: begin behind the highest of these. */
  skip(number: number): void {
    this.#next = Math.max(this.#next, number + 1) % this.size;
  }
}
