// Whether a pod may have an open port: only when the agent can prove, from what it already knows, that no policy older
// than the pod is about it. A policy newer than the pod always reaches it a little late, however the pod got its port.
//
// Policies of the whole cluster select by labels of namespaces, which an agent does not read, but for the name that
// Kubernetes makes a label. Whatever else they ask of a namespace may be so.

import { type ClusterPolicy, hasPass, isAbout, type PodsPeer } from "../../kube/clusterPolicy.ts";
import { selects } from "../../kube/labelSelector.ts";
import type { NetworkPolicy } from "../../kube/networkPolicy.ts";
import type { Pod } from "../../kube/objects.ts";
import { policyText } from "../../kube/policies.ts";
import { isMeant } from "../../kube/staticPod.ts";
import type { PodIdentity } from "../nouns/attachment.ts";
import type { Source } from "../wait/whenever.ts";

/** The policies that the agent knows. */
export interface Policies extends Source {
  readonly synced: boolean;
  /** Whether every policy is known that is older than the pod with its present labels. */
  knows(pod: Pod): boolean;
  by(index: "namespace", namespace: string): readonly NetworkPolicy[];
  ofCluster(): readonly ClusterPolicy[];
}

/**
 * Why it is not proven that no policy is about the pod; undefined when it is. `known` is the pod of that name as the
 * agent knows it. A proof stays valid while the API server is away, because everything older than the pod is known.
 */
export function doubtAbout(
  wanted: PodIdentity,
  known: Pod | undefined,
  policies: Policies,
): string | undefined {
  // By name alone, a pod could be mistaken for its predecessor, which may have had other labels.
  if (wanted.uid === undefined) return "the runtime does not send the pod's UID";
  if (!known || !isMeant(known, wanted.uid))
    return "the API server has not reported the pod to this node's agent";
  if (!policies.synced) return "the API server has not reported all policies to this node's agent";
  if (!policies.knows(known)) {
    return "this node's agent does not know yet every policy that is older than the pod";
  }
  const selecting = policies
    .by("namespace", known.namespace)
    .find(({ podSelector }) => selects(podSelector, known.labels));
  if (selecting) return `${policyText(selecting)} selects it`;
  const ofCluster = policies.ofCluster();
  const isPassed = ofCluster.some(hasPass);
  const about = ofCluster.find((policy) => isAbout(policy, (peer) => maySelect(peer, known), isPassed));
  return about && `${policyText(about)} may be about it`;
}

function maySelect({ namespaces, pods }: PodsPeer, { namespace, labels }: Pod): boolean {
  const byName = namespaces.filter(({ key }) => key === namespaceName);
  return selects(pods, labels) && selects(byName, { [namespaceName]: namespace });
}

/** The label of each Namespace that has its name. */
const namespaceName = "kubernetes.io/metadata.name";
