// A bell for a loop that has something to do now and then: rung any number of times while the loop is busy, it makes
// the loop go round once more.

export class Bell {
  #rung = Promise.withResolvers<void>();

  readonly ring = (): void => this.#rung.resolve();

  /** Resolves when the bell has been rung since the last time, at the latest after `limitMs` if that is given. */
  async heard(limitMs?: number): Promise<void> {
    const timer = limitMs === undefined ? undefined : setTimeout(this.ring, limitMs);
    await this.#rung.promise;
    clearTimeout(timer);
    this.#rung = Promise.withResolvers();
  }
}
