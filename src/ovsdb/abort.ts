// Waiting for something that the caller may abandon.

import { deferred } from "./deferred.ts";

/** Resolves when `promise` does, or as soon as `signal` is aborted. The caller has to check which. */
export async function settledOrAborted(promise: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (!signal) return promise;
  if (signal.aborted) return;
  const aborted = deferred();
  const abort = (): void => aborted.resolve();
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
