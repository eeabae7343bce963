// Processes that a bench starts and measures from outside: starts them, waits for them, reads their memory, ends them.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { ovnEnvironment } from "../../test/real/ovn.ts";

export class BenchProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** Its standard error is the bench's. It should end when its standard input ends, or on SIGTERM. */
  constructor(argv: readonly string[]) {
    const [file = "", ...args] = argv;
    this.#child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], env: ovnEnvironment });
    const input = this.#child.stdout;
    if (!input) throw new Error(`${file}: no standard output`);
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
  }

  /** The next line of standard output. Rejects when the process ends instead. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true)
      throw new Error(`${this.#child.spawnargs.join(" ")} ended with ${this.#child.exitCode}`);
    return value;
  }

  /** Writes a line to the process's standard input. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Reads lines until `wanted` returns something for one. */
  async until<T>(wanted: (line: string) => T | undefined): Promise<T> {
    for (;;) {
      const found = wanted(await this.line());
      if (found !== undefined) return found;
    }
  }

  /** Keeps reading and ignores the lines, so that a full pipe does not block the process. */
  async drain(): Promise<void> {
    while ((await this.#lines.next()).done !== true);
  }

  /** The largest resident memory so far, in MB. */
  get peakMegabytes(): number {
    return megabytes(this.#child.pid, "VmHWM");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.stdin?.end();
    this.#child.kill("SIGTERM");
    await closed;
  }
}

/** A line of /proc/PID/status in MB: `VmRSS` is the present value, `VmHWM` the peak. */
export function megabytes(pid: number | undefined, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status) ?? [];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(kilobytes) / 1024;
}
