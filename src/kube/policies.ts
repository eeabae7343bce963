// All kinds of policies together, for those to whom it makes no difference which kind one is.

import { isDeepStrictEqual } from "node:util";
import type { AnyPolicy, ClusterPolicy, ClusterPolicyKind } from "./clusterPolicy.ts";
import type { KindMap } from "./kinds.ts";
import type { Store } from "./store.ts";
import type { Stores } from "./stores.ts";

export const clusterPolicyKinds = [
  "ClusterNetworkPolicy",
  "AdminNetworkPolicy",
  "BaselineAdminNetworkPolicy",
  "SecurityProfile",
] as const satisfies readonly ClusterPolicyKind[];

export const policyKinds = ["NetworkPolicy", ...clusterPolicyKinds] as const;
export type PolicyKind = AnyPolicy["kind"];
export type PolicyStores = Pick<Stores, PolicyKind>;

export const clusterPoliciesOf = (
  stores: { readonly [K in ClusterPolicyKind]: Pick<Stores[K], "values"> },
): readonly ClusterPolicy[] => clusterPolicyKinds.flatMap((kind) => [...stores[kind].values()]);

export const isClusterPolicy = (policy: AnyPolicy): policy is ClusterPolicy =>
  policy.kind !== "NetworkPolicy";

/** Whether the two are one object that asks for the same. */
export function asksTheSame(a: object, b: object): boolean {
  const rest = (object: object) => ({
    ...object,
    ...{ resourceVersion: "", labels: undefined, annotations: undefined, deletionTimestamp: undefined },
    ...{ generation: undefined, condition: undefined },
  });
  return isDeepStrictEqual(rest(a), rest(b));
}

/** A store for each kind. */
export const policyStores = (
  storeOf: <K extends PolicyKind>(kind: K) => Store<KindMap[K]>,
): PolicyStores => ({
  NetworkPolicy: storeOf("NetworkPolicy"),
  ClusterNetworkPolicy: storeOf("ClusterNetworkPolicy"),
  AdminNetworkPolicy: storeOf("AdminNetworkPolicy"),
  BaselineAdminNetworkPolicy: storeOf("BaselineAdminNetworkPolicy"),
  SecurityProfile: storeOf("SecurityProfile"),
});

/** As people write it: `NetworkPolicy shop/web`, `ClusterNetworkPolicy tenants`. */
export const policyText = ({
  kind,
  namespace,
  name,
}: Pick<AnyPolicy, "kind" | "namespace" | "name">): string =>
  `${kind} ${namespace === "" ? name : `${namespace}/${name}`}`;
