// Numbers given out in a circle (next-fit), so that a freed number rests as long as possible: connections, ARP caches
// and logs that still refer to its former holder have time to expire. The caller keeps track of who holds what.

export class Ring {
  readonly size: number;
  #next = 0;

  /** The numbers are 0 … size − 1. */
  constructor(size: number) {
    this.size = size;
  }

  /** The next number that `accept` takes; undefined after a full turn. */
  take(accept: (number: number) => boolean): number | undefined {
    for (let step = 0; step < this.size; step++) {
      const number = (this.#next + step) % this.size;
      if (!accept(number)) continue;
      this.#next = (number + 1) % this.size;
      return number;
    }
    return undefined;
  }

  /** `number` was already taken at the start. The ring begins after the highest such number. */
  skip(number: number): void {
    this.#next = Math.max(this.#next, number + 1) % this.size;
  }
}
