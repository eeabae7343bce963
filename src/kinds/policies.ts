// All kinds of policies together, for those who keep their groups and hold pods back until they are in force.

import {
  type AnyPolicy,
  type ClusterPolicy,
  hasPass,
  isAbout,
  isNamedIn,
  type PodsPeer,
} from "../kube/clusterPolicy.ts";
import { selects } from "../kube/labelSelector.ts";
import type { Pod } from "../kube/objects.ts";
import { clusterPoliciesOf, type PolicyKind, type PolicyStores, policyKinds } from "../kube/policies.ts";
import { isSecurityProfile, podsWithProfile } from "../kube/securityProfile.ts";
import type { Stores } from "../kube/stores.ts";
import type { Cidr } from "../model/ip.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { groupsOfParts, partsOf, selectionOfPods } from "../select/clusterRules.ts";
import type { NamedGroups } from "../select/groups.ts";
import { groupsOfNetworkPolicy } from "../select/networkPolicyGroups.ts";
import { type PodGroup, wholeGroup } from "../select/podGroup.ts";
import { labelsWithProfiles, profileStandingOf } from "../select/profileStanding.ts";
import { hasPod, type SeenPod } from "../select/selection.ts";

/** The first word of the owners' names of a kind of policies. */
export const ownerWord = (kind: PolicyKind): string => kind.toLowerCase();

/** The kind of policies whose owners' names begin so. */
export const policyKindOf = (word: string): PolicyKind | undefined =>
  policyKinds.find((kind) => ownerWord(kind) === word);

export const ownerOfAnyPolicy = ({ kind, namespace, name }: AnyPolicy): Owner =>
  ownerOf(ownerWord(kind), name, namespace);

export function groupsNamedBy(
  policy: AnyPolicy,
  stores: Pick<Stores, PolicyKind>,
  podRanges: readonly Cidr[],
): NamedGroups {
  if (policy.kind === "NetworkPolicy") return groupsOfNetworkPolicy(policy);
  const named = groupsOfParts(partsOf(policy, clusterPoliciesOf(stores), podRanges).parts);
  // A profile adds its machines to the address sets of its pods, which others' rules name.
  return isSecurityProfile(policy) ? { ...named, peer: [...named.peer, profileMembers(policy.name)] } : named;
}

/** The pods that have the profile. */
export const profileMembers = (profile: string): PodGroup =>
  wholeGroup(selectionOfPods(podsWithProfile(profile)));

/** The policies for which it matters that the pod has its ports by name. */
export function policiesUsing(
  { namedPorts = [] }: Pick<Pod, "namedPorts">,
  stores: Partial<PolicyStores>,
): readonly AnyPolicy[] {
  const present = policyKinds.flatMap((kind) => (stores[kind]?.size ? stores[kind] : []));
  const named = namedPorts.flatMap(({ name }) =>
    present.flatMap((store): readonly AnyPolicy[] => store.by("portName", name)),
  );
  return [...new Set(named)];
}

/**
 * The policies that have to be in force before the pod's packets may pass: those that select it, and those that close
 * others to it, or to which it may be closed.
 */
export function policiesAbout(
  pod: Pod,
  stores: Pick<Stores, PolicyKind | "Namespace">,
): readonly AnyPolicy[] {
  const ofCluster = clusterPoliciesOf(stores);
  const sight = sightOf(pod, stores, ofCluster);
  return [
    ...stores.NetworkPolicy.by("namespace", pod.namespace).filter(({ podSelector }) =>
      selects(podSelector, pod.labels),
    ),
    ...ofCluster.filter((policy) => isAbout(policy, ...sight)),
  ];
}

/** Of the policies of the cluster, those that may close pods to this one: they have to be in force where these pods are. */
export function policiesNaming(
  pod: Pod,
  stores: Pick<Stores, PolicyKind | "Namespace">,
): readonly ClusterPolicy[] {
  const ofCluster = clusterPoliciesOf(stores);
  const sight = sightOf(pod, stores, ofCluster);
  return ofCluster.filter((policy) => isNamedIn(policy, ...sight));
}

/** What policies see of the pod, as they ask for it. */
function sightOf(
  pod: Pod,
  stores: Pick<Stores, "Namespace" | "SecurityProfile">,
  ofCluster: readonly ClusterPolicy[],
): [has: (peer: PodsPeer) => boolean, isPassed: boolean] {
  const seen = seenPod(pod, stores);
  return [(peer) => hasPod(selectionOfPods(peer), seen), ofCluster.some(hasPass)];
}

export const seenPod = (pod: Pod, stores: Pick<Stores, "Namespace" | "SecurityProfile">): SeenPod => ({
  namespace: pod.namespace,
  labels: labelsWithProfiles(pod.labels, profileStandingOf(pod, stores)),
  namespaceLabels: stores.Namespace.get("", pod.namespace)?.labels,
});
