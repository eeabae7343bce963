// Pods and namespaces for tests and benches, and the naive answer to compare the incremental one with.

import fc from "fast-check";
import { selects } from "../kube/labelSelector.ts";
import type { LabelRequirement, LabelSelector, Namespace, Pod } from "../kube/objects.ts";
import { parseIp } from "../model/ip.ts";
import { defaultNetwork, type Place } from "../model/place.ts";
import { allNamespaces, type Labels, matches, type Selection } from "./selection.ts";

export function podFixture(namespace: string, name: string, labels: Labels, more: Partial<Pod> = {}): Pod {
  return {
    kind: "Pod",
    namespace,
    name,
    uid: `uid of ${namespace}/${name}`,
    resourceVersion: "1",
    labels,
    annotations: {},
    deletionTimestamp: undefined,
    nodeName: "n1",
    hostNetwork: false,
    phase: "Running",
    podIps: [],
    ...more,
  };
}

export const namespaceFixture = (name: string, labels: Labels): Namespace => ({
  kind: "Namespace",
  namespace: "",
  name,
  uid: `uid of ${name}`,
  resourceVersion: "1",
  labels,
  annotations: {},
  deletionTimestamp: undefined,
});

/** One place on the default network with all addresses in the pod's status; none before the pod has an address. */
export function placesByStatus(pod: Pod): readonly Place[] {
  const addresses = pod.podIps.flatMap((ip) => parseIp(ip) ?? []);
  if (addresses.length === 0) return [];
  const { namespace, name, uid } = pod;
  const port = `${namespace}_${name}`;
  return [{ namespace, pod: name, uid, network: defaultNetwork, port, mac: "0a:58:0a:00:00:01", addresses }];
}

export interface World {
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
}

/** The places of a selection, computed from scratch. */
export function naiveMembers(
  selection: Selection,
  { pods, namespaces }: World,
  placesOf: (pod: Pod) => readonly Place[],
): readonly Place[] {
  const labelsOf = new Map(namespaces.map(({ name, labels }) => [name, labels]));
  const scope = selection.kind === "labels" ? selection.namespaces : allNamespaces;
  return pods.flatMap((pod) => {
    if (pod.hostNetwork || pod.phase === "Succeeded" || pod.phase === "Failed") return [];
    const labels = labelsOf.get(pod.namespace);
    const isCovered =
      scope.kind === "all" ||
      (scope.kind === "one" ? scope.name === pod.namespace : labels && selects(scope.selector, labels));
    if (isCovered !== true) return [];
    return placesOf(pod).filter((place) => matches(selection, pod.labels, place.addresses));
  });
}

const operators = ["In", "NotIn", "Exists", "DoesNotExist"] as const;
const anyKey = fc.constantFrom("a", "b", "c");
const anyValue = fc.constantFrom("1", "2", "3");
const anyRequirement: fc.Arbitrary<LabelRequirement> = fc.record({
  key: anyKey,
  operator: fc.constantFrom(...operators),
  values: fc.array(anyValue, { maxLength: 2 }),
});

/** Labels and selectors of so few keys and values that they often match. */
export const anyLabels: fc.Arbitrary<Labels> = fc.dictionary(anyKey, anyValue, {
  maxKeys: 3,
  noNullPrototype: true,
});
export const anySelector: fc.Arbitrary<LabelSelector> = fc.array(anyRequirement, { maxLength: 3 });
