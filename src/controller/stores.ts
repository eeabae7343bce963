// The stores the controller plans from, one for each kind it reads. They are fed on leaders and on those who wait to
// lead, so that a change of leader costs no list.

import type { KubeClient } from "../kube/client.ts";
import type { Surroundings } from "../kube/clock.ts";
import type { Kind, KindMap } from "../kube/objects.ts";
import type { Store } from "../kube/store.ts";
import { watchKind } from "../kube/watch.ts";

export type Stores = { readonly [K in Kind]: Store<KindMap[K]> };

export function watchAll(client: KubeClient, signal: AbortSignal, surroundings: Surroundings): Stores {
  const options = { ...surroundings, signal };
  return {
    Node: watchKind(client, "Node", options),
    Namespace: watchKind(client, "Namespace", options),
    Pod: watchKind(client, "Pod", options),
    Service: watchKind(client, "Service", options),
    EndpointSlice: watchKind(client, "EndpointSlice", options),
  };
}

/** Resolves when every store has taken in a complete list. */
export async function allReady(stores: Stores, signal: AbortSignal): Promise<void> {
  await Promise.all(Object.values(stores).map((store) => store.ready(signal)));
}
