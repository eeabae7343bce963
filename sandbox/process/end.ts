// Ends processes reliably: SIGTERM first, SIGKILL later.

import { setTimeout as delay } from "node:timers/promises";

/** Returns false when the process has already ended. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

/**
 * Sends SIGTERM to what `find` returns and, after `patienceMs`, SIGKILL, until `find` returns nothing. `find` is called
 * again and again, because a process that ends may leave children that it did not show before.
 */
export async function endProcesses(find: () => readonly number[], patienceMs: number): Promise<void> {
  const asked = new Set<number>();
  const deadline = performance.now() + patienceMs;
  for (let pids = find(); pids.length > 0; pids = find()) {
    const insist = performance.now() > deadline;
    if (performance.now() > deadline + 10_000) throw new Error(`processes ${pids.join(" ")} survive SIGKILL`);
    for (const pid of pids) {
      if (insist) sendSignal(pid, "SIGKILL");
      else if (!asked.has(pid)) {
        asked.add(pid);
        sendSignal(pid, "SIGTERM");
        // A paused process acts on SIGTERM only when it continues.
        sendSignal(pid, "SIGCONT");
      }
    }
    await delay(20);
  }
}
