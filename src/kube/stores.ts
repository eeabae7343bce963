// The stores the controller reads, one for each kind of object. They are fed on leaders and on those who wait to lead, so
// that a change of leader costs no list.

import type { ApiServer } from "./apiServer.ts";
import type { KubeClient } from "./client.ts";
import type { Surroundings } from "./clock.ts";
import { Interner } from "./intern.ts";
import { type Kind, type KindMap, type KubeObject, kinds } from "./kinds.ts";
import type { ObjectMeta } from "./objects.ts";
import { type Listener, Store } from "./store.ts";
import { watchKind } from "./watch.ts";

export type Stores = { readonly [K in Kind]: Store<KindMap[K]> };

/** The part of a store that does not depend on the type of its objects. */
export type AnyStore = Pick<Store<ObjectMeta>, "size" | "synced" | "ready" | "freshness"> & {
  values(): Iterable<KubeObject>;
  subscribe(listener: Listener<KubeObject>): () => void;
};

export const everyStore = (stores: Stores): readonly AnyStore[] => Object.values(stores);

/** Watches the kinds that somebody reads. The stores of the others stay empty, and nobody waits for them. */
export function watchAll(
  client: KubeClient,
  read: ReadonlySet<Kind>,
  signal: AbortSignal,
  surroundings: Surroundings & { readonly server: ApiServer },
): Stores {
  return storesOf((kind) => {
    if (read.has(kind)) return watchKind(client, kind, { ...surroundings, signal });
    const store = emptyStore(kind);
    store.note({ synced: true });
    return store;
  });
}

/** A store for each kind there is. */
export function storesOf(storeOf: <K extends Kind>(kind: K) => Store<KindMap[K]>): Stores {
  const all = Object.keys(kinds).map((kind) => [kind, storeOf(kind as Kind)]);
  // The compiler does not follow a loop over the keys of a mapped type.
  return Object.fromEntries(all) as Stores;
}

/** Takes in an object as the server gave it. */
export function putRaw<K extends Kind>(stores: Pick<Stores, K>, kind: K, raw: unknown): void {
  const object = kinds[kind].project(raw, new Interner());
  const store: Store<KindMap[K]> = stores[kind];
  if (object) store.apply([{ type: "put", object }]);
}

/** The same for an answer that may have been overtaken: the watch may have brought the object meanwhile, in a newer state. */
export function putUnlessThere<K extends Kind>(stores: Pick<Stores, K>, kind: K, raw: unknown): void {
  const object = kinds[kind].project(raw, new Interner());
  if (object && !stores[kind].get(object.namespace, object.name)) putRaw(stores, kind, raw);
}

/** A store that nothing feeds. */
export const emptyStore = <K extends Kind>(kind: K): Store<KindMap[K]> =>
  new Store(kinds[kind].indexes, (error) => {
    throw error;
  });

/** Resolves when every store that is read has taken in a complete list. */
export async function allReady(stores: Stores, signal: AbortSignal): Promise<void> {
  await Promise.all(Object.values(stores).map((store) => store.ready(signal)));
}

/** What plans cannot be made from yet, or not at the moment, as a sentence for /readyz; undefined when all is there. */
export function missingInput(stores: Stores, database: { readonly synced: boolean }): string | undefined {
  const [kind, store] = Object.entries(stores).find(([, { synced }]) => !synced) ?? [];
  if (store) {
    const why = store.freshness.failure;
    return `the API server has not listed every ${kind} yet${why === "" ? "" : `: ${why}`}`;
  }
  return database.synced ? undefined : "no connection to the northbound database, or no whole copy of it yet";
}
