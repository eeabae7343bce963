// When things were first seen, for benches that wait for news from two sides.

/** Can be asked before or after. */
export class Sightings {
  readonly #known = new Map<string, PromiseWithResolvers<number>>();

  note(what: string): void {
    this.#entry(what).resolve(performance.now());
  }

  of(what: string): Promise<number> {
    return this.#entry(what).promise;
  }

  #entry(what: string): PromiseWithResolvers<number> {
    const known = this.#known.get(what) ?? Promise.withResolvers<number>();
    this.#known.set(what, known);
    return known;
  }
}
