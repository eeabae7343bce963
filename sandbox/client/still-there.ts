// Writes to objects that may vanish at any moment: if somebody else has deleted or replaced the object, that is an
// answer and not a failure.

import { isConflict, isNotFound } from "../../src/kube/error.ts";

/**
 * Makes the call. Returns false when the API says that the object is gone. A conflict means the same: a write that
 * carries a uid but no resourceVersion can have no other.
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
