// A bell for a loop that has work now and then. However often it rings while the loop is busy, the loop goes round
// once more.

export class Bell {
  #rung = Promise.withResolvers<void>();

  readonly ring = (): void => this.#rung.resolve();

  /** Resolves when the bell has rung since the last call, or after `limitMs` if that is given. */
  async heard(limitMs?: number): Promise<void> {
    const timer = limitMs === undefined ? undefined : setTimeout(this.ring, limitMs);
    await this.#rung.promise;
    clearTimeout(timer);
    this.#rung = Promise.withResolvers();
  }
}
