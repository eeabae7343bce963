// Waiting for a state in a test, with a limit that is shorter than the test's own, so that a state that never comes is
// an error with a name and not a test that was cut off.

import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when `holds` does. After 30 seconds, or `limitMs`, it is an error that names `state`. */
export async function until(
  state: string,
  holds: () => Promise<boolean> | boolean,
  limitMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`never: ${state}`);
    await sleep(5);
  }
}
