// Reports on each object what it asks for and does not get, once: when the object appears, and when it asks for
// something else.

import type { KubeObject, ObjectRef } from "../kube/kinds.ts";
import { everyStore, type Stores } from "../kube/stores.ts";

/** Reports on present and future objects until `signal` aborts. */
export function followUnserved(
  stores: Stores,
  tell: (object: ObjectRef, message: string) => void,
  signal: AbortSignal,
): void {
  const look = (now: KubeObject | undefined, old?: KubeObject): void => {
    const asked = now?.unserved?.join(", ") ?? "";
    const isNew = now?.uid !== old?.uid || asked !== (old?.unserved?.join(", ") ?? "");
    if (now && asked !== "" && isNew) tell(now, `Weft does not serve this yet: ${asked}`);
  };
  for (const store of everyStore(stores)) {
    for (const object of store.values()) look(object);
    const stop = store.subscribe((changes) => {
      for (const change of changes) look(change.new, change.old);
    });
    signal.addEventListener("abort", stop);
  }
}
