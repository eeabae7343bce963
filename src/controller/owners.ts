// Owners by name, and which of them a change of an object concerns: what a node, a pod or a Service says is planned
// from its own object and, for a Service, from its EndpointSlices. (What depends on a node's decisions is the planner's.)

import type { EndpointSlice, Kind, KindMap, KubeObject, Node, Pod, Service } from "../kube/objects.ts";
import type { Change } from "../kube/store.ts";
import type { Owner } from "../model/fact.ts";

export interface OwnerName {
  readonly kind: "cluster" | "node" | "pod" | "pool" | "service";
  /** "" for the cluster and for nodes. */
  readonly namespace: string;
  readonly name: string;
}

export const clusterOwner: Owner = "cluster";

/** The ready ports of a node. */
export const poolOwner = (node: string): Owner => `pool/${node}`;

/** `node/n1`, `pod/shop/web-1`, `service/shop/web`. */
export function ownerOf(object: Pick<Node | Pod | Service, "kind" | "namespace" | "name">): Owner {
  const kind = object.kind.toLowerCase();
  return object.namespace === "" ? `${kind}/${object.name}` : `${kind}/${object.namespace}/${object.name}`;
}

export function parseOwner(owner: Owner): OwnerName {
  const [kind = "", ...path] = owner.split("/");
  const name = path.at(-1) ?? "";
  const namespace = path.length > 1 ? (path[0] ?? "") : "";
  switch (kind) {
    case "cluster":
    case "node":
    case "pod":
    case "pool":
    case "service":
      return { kind, namespace, name };
  }
  throw new RangeError(`no owner is called "${owner}"`);
}

/** The owners whose own object is gone, and not only missing from a list. */
export function goneByWord({ old, told }: Change<KubeObject>): readonly Owner[] {
  if (!told || !old) return [];
  if (old.kind === "Node") return [ownerOf(old), poolOwner(old.name)];
  return old.kind === "Pod" || old.kind === "Service" ? [ownerOf(old)] : [];
}

/**
 * The owners to plan again after `change`. A Namespace is no input of any plan yet. Which pools a NetworkPolicy concerns, the
 * planner knows.
 */
export const concerned: { readonly [K in Kind]: (change: Change<KindMap[K]>) => readonly Owner[] } = {
  Namespace: () => [],
  Node: (change) => both(change).flatMap((node) => [ownerOf(node), poolOwner(node.name)]),
  Pod: (change) =>
    both(change)
      .filter(isScheduled)
      .flatMap((pod) => [ownerOf(pod), poolOwner(pod.nodeName)]),
  Service: (change) => both(change).map(ownerOf),
  EndpointSlice: (change) => both(change).flatMap(serviceOf),
  NetworkPolicy: () => [],
};

const both = <T>({ old, new: now }: Change<T>): readonly T[] =>
  [now, old].flatMap((object) => (object === undefined ? [] : [object]));

const isScheduled = (pod: Pod): boolean => pod.nodeName !== "" && !pod.hostNetwork;

const serviceOf = ({ namespace, serviceName }: EndpointSlice): readonly Owner[] =>
  serviceName === "" ? [] : [ownerOf({ kind: "Service", namespace, name: serviceName })];
