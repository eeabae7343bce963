// Policies for tests.

import type { ClusterPolicy } from "./clusterPolicy.ts";
import type { NetworkPolicy } from "./networkPolicy.ts";

/** One in namespace `shop` that selects every pod and lets nothing in. */
export const aPolicy = (name: string, change: Partial<NetworkPolicy> = {}): NetworkPolicy => ({
  kind: "NetworkPolicy",
  namespace: "shop",
  name,
  uid: name,
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
  podSelector: [],
  ingress: [],
  egress: undefined,
  problems: [],
  ...change,
});

/** One of the whole cluster: first in the tier Admin, about every pod, and without rules. */
export const aClusterPolicy = (
  name: string,
  change: Partial<Omit<ClusterPolicy, "kind">> = {},
): ClusterPolicy<"ClusterNetworkPolicy"> => {
  const { podSelector: _, ...meta } = aPolicy(name);
  return {
    ...meta,
    kind: "ClusterNetworkPolicy",
    namespace: "",
    tier: "Admin",
    priority: 0,
    subject: { kind: "pods", namespaces: [], pods: [] },
    ingress: [],
    egress: [],
    generation: 1,
    condition: undefined,
    ...change,
  };
};
