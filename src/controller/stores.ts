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
    NetworkPolicy: watchKind(client, "NetworkPolicy", options),
  };
}

/** Resolves when every store has taken in a complete list. */
export async function allReady(stores: Stores, signal: AbortSignal): Promise<void> {
  await Promise.all(Object.values(stores).map((store) => store.ready(signal)));
}

/** What plans cannot be made from yet, or not at the moment, as a sentence for /readyz; undefined when all is there. */
export function missingInput(stores: Stores, database: { readonly synced: boolean }): string | undefined {
  const kind = Object.entries(stores).find(([, store]) => !store.synced)?.[0];
  if (kind !== undefined) return `the API server has not listed every ${kind} yet`;
  return database.synced ? undefined : "no connection to the northbound database, or no whole copy of it yet";
}
