// Follows a program that prints changes in the kernel, a line for each, and starts it again whenever it ends.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const retryMs = 1_000;

export interface Monitor {
  readonly program: string;
  readonly args: readonly string[];
  /** Called at each start of the program: nobody listened before that. */
  readonly started?: () => void;
  readonly line: (line: string) => void;
}

/** Returns when `signal` is aborted. */
export async function followMonitor(
  { program, args, started, line }: Monitor,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const monitor = spawn(program, args, {
      stdio: ["ignore", "pipe", "ignore"],
      signal,
      killSignal: "SIGKILL",
    });
    if (started) monitor.once("spawn", started);
    createInterface({ input: monitor.stdout }).on("line", line);
    // It could not start, or the signal ended it. A "close" follows every "error".
    monitor.on("error", () => undefined);
    await new Promise<void>((resolve) => monitor.once("close", () => resolve()));
    await pause(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
