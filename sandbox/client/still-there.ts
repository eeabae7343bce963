// Writes to objects that may go at any moment: that somebody else has deleted one, or has put another in its place, is
// an answer and no failure.

import { isConflict, isNotFound } from "../../src/kube/error.ts";

/**
 * Makes the call; false when the API says that the object is not there. A conflict says so too: for a write that carries
 * a uid and no resourceVersion there is no other.
 */
export async function stillThere(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return false;
    throw error;
  }
}
