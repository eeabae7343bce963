// What would be desired now: the stores planned through the real kinds, with no Lease, no fence and no engine. Decisions are
// made as they would be; whether they are written anywhere is up to the caller's `patch`.

import type { Desired } from "../desired/desired.ts";
import { destinationId } from "../model/fact.ts";
import { Planning, type PlanningOptions } from "./planning.ts";

/** Resolves when nothing is left to plan but what cannot be planned now, of which `options.tell` has heard. */
export async function plannedState(options: PlanningOptions, signal: AbortSignal): Promise<Desired> {
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  // Nothing is committed, so that nothing that is held is given to others.
  const planning = new Planning(options, {
    committed: () => new Promise(() => undefined),
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
