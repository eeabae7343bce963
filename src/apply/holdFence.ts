// Finds out whether a controller still leads, by taking its fence and waiting. A running controller sees at once that
// it has lost the fence, and takes it back.

import { setTimeout as pause } from "node:timers/promises";
import type { AnyReplica } from "../ovsdb/index.ts";
import type { FenceLostError } from "./errors.ts";
import type { Fence } from "./fence.ts";

/** Within this time a running controller has its fence back. */
const watchMs = 5_000;

/** Resolves when nobody leads. Rejects with a FenceLostError when a controller takes the fence back. */
export async function holdFence(fence: Fence, replica: AnyReplica, signal: AbortSignal): Promise<void> {
  const taken = Promise.withResolvers<never>();
  const look = (): void => {
    const lost: FenceLostError | undefined = fence.takenIn(replica);
    if (lost) taken.reject(lost);
  };
  const stop = replica.subscribe(look);
  try {
    await Promise.race([pause(watchMs, undefined, { signal }), taken.promise]);
  } finally {
    stop();
  }
}
