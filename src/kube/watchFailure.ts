// What kind of failure ended a step of a watch. cycle.ts decides what follows from it.

import type { Failure } from "./cycle.ts";
import { isExpired, KubeError } from "./error.ts";

export type Doing = "list" | "streamed list" | "watch";

/** The watch cannot go on from where it is. */
export class PlaceLost extends Error {}

/** The server sent a bookmark instead of the mark that ends a list. */
export class ListUnmarked extends Error {}

/** The server does not serve the resource, or not to this client. */
export const isUnserved = (error: unknown): error is KubeError =>
  error instanceof KubeError && [403, 404].includes(error.status);

export function failureOf(doing: Doing, error: unknown): Failure {
  if (doing === "streamed list" && refusesStreamedList(error)) return { type: "streamed list refused" };
  return {
    type: isExpired(error) || error instanceof PlaceLost ? "expired" : isRefusal(error) ? "refused" : "other",
    retryAfterMs: error instanceof KubeError ? error.retryAfterMs : undefined,
  };
}

/** Servers before 1.27 ignore `sendInitialEvents`; those with the feature gate off answer 422. */
const refusesStreamedList = (error: unknown): boolean =>
  error instanceof ListUnmarked ||
  (error instanceof KubeError &&
    (error.status === 400 || error.status === 422 || error.reason === "TimedOut"));

/** The server answered, and not because it is busy. */
const isRefusal = (error: unknown): boolean =>
  error instanceof KubeError && error.status !== 0 && error.status !== 429;
