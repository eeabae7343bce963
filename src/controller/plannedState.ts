// What would be desired now: plans the stores through the real kinds, without Lease, fence or engine. Decisions are
// made as usual. The caller's `patch` decides whether they are written anywhere.

import type { Desired } from "../desired/desired.ts";
import { destinationId } from "../model/fact.ts";
import { Planning } from "./planning.ts";
import type { PlanningOptions } from "./planningOptions.ts";

/** Resolves when nothing is left to plan, except what cannot be planned now and has been reported to `options.tell`. */
export async function plannedState(options: PlanningOptions, signal: AbortSignal): Promise<Desired> {
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  // Nothing is ever committed, so nothing is released and given to others.
  const planning = new Planning(options, {
    committed: () => new Promise(() => undefined),
    hasRows: () => true,
    served: () => new Set([destinationId(options.scope.destination)]),
  });
  await planning.begin(both);
  const working = planning.queue.run(both);
  try {
    await planning.queue.idle();
    signal.throwIfAborted();
    return planning.desired;
  } finally {
    ending.abort(new Error("everything is planned"));
    await working;
  }
}
