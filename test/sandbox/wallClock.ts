// A wall clock that a test sets, for processes of a sandbox: Debian's libfaketime, which a process loads before all
// other libraries. On each look at the clock it reads from a file how far the clock is ahead. The monotonic clock stays
// the kernel's, and the machine's own clock is not touched.

import { renameSync, writeFileSync } from "node:fs";
import type { ProcessSpec } from "../../sandbox/process/record.ts";

export class WallClock {
  readonly #file: string;
  #aheadMs = 0;

  /** The offset is kept in `file`, which must outlive the processes that use this clock. */
  constructor(file: string, aheadMs: number) {
    this.#file = file;
    this.set(aheadMs);
  }

  /** Sets how far the clock is ahead of the machine's, in whole seconds. */
  set(aheadMs: number): void {
    this.#aheadMs = aheadMs;
    const seconds = Math.round(aheadMs / 1000);
    // Renamed into place, so that nobody reads half a number.
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  /** The environment of a process with this clock. */
  get env(): Readonly<Record<string, string>> {
    return {
      // The loader replaces $LIB by the machine's folder of libraries (ld.so(8)).
      LD_PRELOAD: "/usr/$LIB/faketime/libfaketime.so.1",
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  /** `spec`, started with this clock. */
  on<Spec extends ProcessSpec>(spec: Spec): Spec {
    return { ...spec, env: { ...spec.env, ...this.env } };
  }
}
