// Requests a new generation of the northbound database if nothing else has for a while. A dead ovn-northd, or a chassis
// whose ovn-controller or ovs-vswitchd is dead, does not repeat its number. With many chassis requests are rarer, so
// that at most 20 chassis a second write to the southbound database.

import { FenceLostError } from "../apply/errors.ts";
import type { Generations } from "../apply/generations.ts";
import { type Clock, pause } from "../kube/clock.ts";

const leastMs = 10_000;
const perChassisMs = 50;

/** Until `signal` aborts. Rejects with a FenceLostError when another controller leads. */
export async function keepBeating(
  generations: Pick<Generations, "last" | "chassis" | "reached">,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const before = generations.last;
    await pause(clock, Math.max(leastMs, perChassisMs * generations.chassis), signal);
    if (signal.aborted || generations.last !== before) continue;
    try {
      await generations.reached([], signal);
    } catch (error) {
      if (signal.aborted) return;
      // Anything else passes, such as a database that is away.
      if (error instanceof FenceLostError) throw error;
    }
  }
}
