// What all controllers have in common: the client, the stores that they read, and the interface of a controller. Each
// one reads only stores, so it must not decide twice on a state that its own last write has already changed: hence
// `settled`.

import type { KubeClient } from "../../src/kube/client.ts";
import type { Store } from "../../src/kube/store.ts";
import type { Kept } from "../client/kinds.ts";
import type {
  DaemonSet,
  Deployment,
  EndpointSlice,
  Job,
  Namespace,
  Node,
  Pod,
  PodDisruptionBudget,
  Raw,
  ReplicaSet,
  Service,
  StatefulSet,
} from "../client/objects.ts";

export interface Stores {
  readonly nodes: Store<Kept<Node>>;
  readonly namespaces: Store<Kept<Namespace>>;
  /** Indexes: namespace, owner (uid), node. */
  readonly pods: Store<Kept<Pod>>;
  readonly services: Store<Kept<Service>>;
  readonly slices: Store<Kept<EndpointSlice>>;
  readonly deployments: Store<Kept<Deployment>>;
  readonly replicaSets: Store<Kept<ReplicaSet>>;
  readonly statefulSets: Store<Kept<StatefulSet>>;
  readonly daemonSets: Store<Kept<DaemonSet>>;
  readonly jobs: Store<Kept<Job>>;
  readonly budgets: Store<Kept<PodDisruptionBudget>>;
}

export interface Context {
  readonly client: KubeClient;
  readonly stores: Stores;
  readonly event: (pod: Pod, type: "Normal" | "Warning", reason: string, message: string) => void;
}

/**
 * A key (`namespace/name`) names what to look at again. Keys come from store changes. One key is never handled twice at
 * once.
 */
export interface Controller {
  readonly name: string;
  /** Subscribes to the stores, and calls `add` for everything that may need a look. */
  readonly watch: (add: (key: string) => void) => void;
  /** Makes the API match what it should be for this key. If it rejects, it is retried with back-off. */
  readonly sync: (namespace: string, name: string) => Promise<void>;
}

export const keyOf = (object: { readonly namespace: string; readonly name: string }): string =>
  `${object.namespace}/${object.name}`;

const settleMs = 5_000;

/** Waits until the store has caught up with a write, or gives up; then the next sync works from an older state. */
export async function settled<T extends Raw>(
  store: Store<Kept<T>>,
  object: { readonly namespace: string; readonly name: string },
  seen: (kept: Kept<T> | undefined) => boolean,
): Promise<void> {
  const look = (): boolean => seen(store.get(object.namespace, object.name));
  if (look()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const unsubscribe = store.subscribe(() => {
    if (look()) resolve();
  });
  const timer = setTimeout(resolve, settleMs);
  await promise;
  clearTimeout(timer);
  unsubscribe();
}

/** For `settled`: the store has this version or a later one. Versions of one API server are increasing numbers. */
export const atLeast =
  (resourceVersion: string | undefined) =>
  (kept: { readonly resourceVersion: string } | undefined): boolean =>
    kept === undefined || BigInt(kept.resourceVersion) >= BigInt(resourceVersion ?? 0);

/** For `settled`: the object is gone or being deleted. */
export const going = (kept: { readonly deletionTimestamp: string | undefined } | undefined): boolean =>
  kept === undefined || kept.deletionTimestamp !== undefined;
