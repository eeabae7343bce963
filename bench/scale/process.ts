// Processes that a bench starts and measures from outside: started, waited for, asked for their memory, ended.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { ovnEnvironment } from "../../test/real/ovn.ts";

export class BenchProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** Standard error is the bench's. The process is expected to end when its standard input does, or on SIGTERM. */
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

  /** Gives the process a line on its standard input. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Has its `stallReport.ts` say what it found. */
  async busiestMs(): Promise<number> {
    this.#child.kill("SIGUSR2");
    const found = await this.until((line) => /^\{"busiestMs":([\d.]+)\}$/.exec(line)?.[1]);
    return Number(found);
  }

  /** Lines until one for which `wanted` answers with something. */
  async until<T>(wanted: (line: string) => T | undefined): Promise<T> {
    for (;;) {
      const found = wanted(await this.line());
      if (found !== undefined) return found;
    }
  }

  /** Reads on without looking, so that the process is not held up by a full pipe. */
  async drain(): Promise<void> {
    while ((await this.#lines.next()).done !== true);
  }

  /** Takes no processor time until it is told to go on. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child.kill("SIGCONT");
  }

  /** Largest resident memory so far, in MB. */
  get peakMegabytes(): number {
    return megabytes(this.#child.pid, "VmHWM");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.stdin?.end();
    this.#child.kill("SIGTERM");
    this.goOn();
    await closed;
  }
}

/** A line of /proc/PID/status in MB: `VmRSS` now, `VmHWM` at its peak. */
export function megabytes(pid: number | undefined, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status) ?? [];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(kilobytes) / 1024;
}
