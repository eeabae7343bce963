// The kinds that the sandbox's clients watch, for src/kube's watch. In these stores the slim part is only the metadata,
// and `raw` is the whole object, because the runner and the controllers write such objects themselves.

import type { Watchable } from "../../src/kube/kinds.ts";
import type { ObjectMeta } from "../../src/kube/objects.ts";
import { metaOf } from "../../src/kube/project.ts";
import type { Resource } from "../../src/kube/resource.ts";
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
} from "./objects.ts";

export interface Kept<T extends Raw> extends ObjectMeta {
  readonly raw: T;
}

export const rawKinds = {
  node: keptWhole<Node>({ prefix: "/api/v1", plural: "nodes", namespaced: false }),
  namespace: keptWhole<Namespace>({ prefix: "/api/v1", plural: "namespaces", namespaced: false }),
  pod: keptWhole<Pod>({ prefix: "/api/v1", plural: "pods", namespaced: true }),
  service: keptWhole<Service>({ prefix: "/api/v1", plural: "services", namespaced: true }),
  endpointSlice: keptWhole<EndpointSlice>({
    prefix: "/apis/discovery.k8s.io/v1",
    plural: "endpointslices",
    namespaced: true,
  }),
  deployment: keptWhole<Deployment>({ prefix: "/apis/apps/v1", plural: "deployments", namespaced: true }),
  replicaSet: keptWhole<ReplicaSet>({ prefix: "/apis/apps/v1", plural: "replicasets", namespaced: true }),
  statefulSet: keptWhole<StatefulSet>({ prefix: "/apis/apps/v1", plural: "statefulsets", namespaced: true }),
  daemonSet: keptWhole<DaemonSet>({ prefix: "/apis/apps/v1", plural: "daemonsets", namespaced: true }),
  job: keptWhole<Job>({ prefix: "/apis/batch/v1", plural: "jobs", namespaced: true }),
  budget: keptWhole<PodDisruptionBudget>({
    prefix: "/apis/policy/v1",
    plural: "poddisruptionbudgets",
    namespaced: true,
  }),
} as const;

/** An API answer as an object of `_kind`. This cast is safe: an API server has validated what it serves. */
export const rawOf = <T extends Raw>(_kind: Watchable<Kept<T>>, object: unknown): T => object as T;

/** metav1.Time: UTC with whole seconds. */
export const timeText = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

function keptWhole<T extends Raw>(resource: Resource): Watchable<Kept<T>> {
  return {
    ...resource,
    project: (object, intern) => {
      const meta = metaOf(object, intern);
      return meta && Object.freeze({ ...meta, raw: object as T });
    },
    indexes: {
      namespace: (object) => [object.namespace],
      owner: (object) => (object.raw.metadata.ownerReferences ?? []).map(({ uid }) => uid),
    },
  };
}
