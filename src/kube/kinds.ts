// The kinds that Weft watches. Adding one takes a slim type in objects.ts, a projection in project.ts and an entry
// here.

import type { Kind, KindMap, ObjectMeta } from "./objects.ts";
import {
  endpointSliceOf,
  namespaceOf,
  networkPolicyOf,
  nodeOf,
  type Projection,
  podOf,
  serviceOf,
} from "./project.ts";
import type { Resource } from "./resource.ts";

/** Name of an index ▶ the keys under which an object is found. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** A resource that can be watched: where it is, what to keep of each object, and how to find objects again. */
export interface Watchable<T extends ObjectMeta> extends Resource {
  readonly project: Projection<T>;
  readonly indexes: Indexes<T>;
}

export const kinds: { readonly [K in Kind]: Watchable<KindMap[K]> } = {
  Node: { prefix: "/api/v1", plural: "nodes", namespaced: false, project: nodeOf, indexes: {} },
  Namespace: {
    prefix: "/api/v1",
    plural: "namespaces",
    namespaced: false,
    project: namespaceOf,
    indexes: {},
  },
  Pod: {
    prefix: "/api/v1",
    plural: "pods",
    namespaced: true,
    project: podOf,
    indexes: {
      node: (pod) => (pod.nodeName === "" ? [] : [pod.nodeName]),
    },
  },
  Service: {
    prefix: "/api/v1",
    plural: "services",
    namespaced: true,
    project: serviceOf,
    indexes: {},
  },
  EndpointSlice: {
    prefix: "/apis/discovery.k8s.io/v1",
    plural: "endpointslices",
    namespaced: true,
    project: endpointSliceOf,
    indexes: {
      /** `shop/web` */
      service: (slice) => (slice.serviceName === "" ? [] : [`${slice.namespace}/${slice.serviceName}`]),
    },
  },
  NetworkPolicy: {
    prefix: "/apis/networking.k8s.io/v1",
    plural: "networkpolicies",
    namespaced: true,
    project: networkPolicyOf,
    indexes: { namespace: (policy) => [policy.namespace] },
  },
};
