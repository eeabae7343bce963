// Reports on each object what it asks for and does not get. Each is reported once: when the object appears, and when it
// asks for something else.

import type { KubeObject, ObjectRef } from "../kube/kinds.ts";
import { everyStore, type Stores } from "../kube/stores.ts";

/** Two Events a second. */
const betweenObjectsMs = 500;

/** Reports on present and future objects until `signal` aborts. `more`: what they ask for in vain in this mode. */
export function followUnserved(
  stores: Stores,
  more: (object: KubeObject) => readonly string[],
  tell: (object: ObjectRef, message: string) => void,
  signal: AbortSignal,
): void {
  const askedBy = (object: KubeObject): readonly string[] => [...(object.unserved ?? []), ...more(object)];
  const look = (now: KubeObject | undefined, old?: KubeObject): void => {
    const asked = now ? askedBy(now).join(", ") : "";
    const isNew = now?.uid !== old?.uid || asked !== (old ? askedBy(old).join(", ") : "");
    if (now && asked !== "" && isNew) tell(now, `Weft does not serve this: ${asked}`);
  };
  // Slowly, so that they do not crowd out more important Events when a leader starts.
  const there = everyStore(stores)
    .flatMap((store) => [...store.values()])
    .filter((object) => askedBy(object).length > 0)
    .values();
  const timer = setInterval(() => {
    const next = there.next();
    if (next.done) clearInterval(timer);
    else look(next.value);
  }, betweenObjectsMs).unref();
  signal.addEventListener("abort", () => clearInterval(timer));
  for (const store of everyStore(stores)) {
    const stop = store.subscribe((changes) => {
      for (const change of changes) look(change.new, change.old);
    });
    signal.addEventListener("abort", stop);
  }
}
