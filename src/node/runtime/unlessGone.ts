// Ends an ADD whose pod is gone meanwhile, with an error that says so.

import type { PodIdentity } from "../nouns/attachment.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";

/** Resolves with how it is known that the pod is gone, as soon as it is. Rejects when the signal is aborted. */
export type Departure = (pod: PodIdentity, signal: AbortSignal) => Promise<string>;

export interface Departures {
  /** By what this node's watch brings. */
  readonly told: Departure;
  /** Also by asking the API server, about a pod that the watch does not know. */
  readonly asked: Departure;
}

/** What `task` returns. When the pod departs, the task's signal is aborted, and what it throws then is not the reason. */
export async function unlessGone<T>(
  departure: Departure,
  pod: PodIdentity,
  signal: AbortSignal,
  task: (wanted: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController();
  const done = new AbortController();
  void departure(pod, AbortSignal.any([signal, done.signal])).then(
    (how) => gone.abort(new CniError(cniCode.unknownContainer, `pod ${pod.namespace}/${pod.name}: ${how}`)),
    () => undefined,
  );
  try {
    return await task(AbortSignal.any([signal, gone.signal]));
  } catch (error) {
    throw gone.signal.aborted ? gone.signal.reason : error;
  } finally {
    done.abort();
  }
}
