// Limits how many writes of annotations are under way at once, separately for Nodes and for Pods. Nodes never wait
// behind pods, and a write that waits here holds up no plan of other owners.

import { Semaphore } from "../kube/semaphore.ts";
import type { AnnotationPatch, Patch } from "./durable.ts";

/** `patch`, with at most `most` calls under way for each kind of object. The others follow in order. */
export function inLanes(patch: Patch, most: number): Patch {
  const lanes: Readonly<Record<AnnotationPatch["kind"], Semaphore>> = {
    Node: new Semaphore(most),
    Pod: new Semaphore(most),
  };
  return (write) => lanes[write.kind].run(() => patch(write));
}
