// How far Ginkgo is, by what it prints: `Will run 47 of 3206 specs`, then a bullet for each spec that has ended, with
// `[FAILED]` behind it (or another word) when it did not pass, and `S` alone for one that skipped itself.

export class SpecCount {
  #planned = 0;
  #done = 0;
  #failed = 0;
  /** The end of what was printed, which may be half a word. */
  #rest = "";

  take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#planned = Number(/^Will run (\d+) of/.exec(line)?.[1] ?? this.#planned);
      if (!/^(•|S)+( |$)/.test(line)) continue;
      this.#done += /^[•S]+/.exec(line)?.[0].length ?? 0;
      if (/^[•S]+ \[[A-Z]/.test(line)) this.#failed++;
    }
  }

  get words(): string {
    // Bullets of specs that pass stand in one long line, which ends only with a failure.
    const waiting = /^[•S]*/.exec(this.#rest)?.[0].length ?? 0;
    return `${this.#done + waiting} of ${this.#planned} specs, ${this.#failed} did not pass`;
  }
}
