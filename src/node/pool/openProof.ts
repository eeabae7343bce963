// Whether a pod may have an open port: only when the agent can prove, from what it already knows, that no policy older
// than the pod is about it. A policy newer than the pod always reaches it a little late, however the pod got its port.
//
// Policies of the whole cluster select by labels of namespaces, which an agent does not read, but for the name that
// Kubernetes makes a label. Whatever else they ask of a namespace may be so.

import { type ClusterPolicy, hasPass, isAbout, type PodsPeer } from "../../kube/clusterPolicy.ts";
import { selects } from "../../kube/labelSelector.ts";
import type { NetworkPolicy } from "../../kube/networkPolicy.ts";
import type { LabelSelector, Pod } from "../../kube/objects.ts";
import { policyText } from "../../kube/policies.ts";
import { profileLabel } from "../../kube/profileClaims.ts";
import { isSecurityProfile } from "../../kube/securityProfile.ts";
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
  if (known.profiles) return "it asks for security profiles";
  const ofCluster = policies.ofCluster();
  const seen = asSeen(known, ofCluster);
  const isPassed = ofCluster.some(hasPass);
  const about = ofCluster.find((policy) => isAbout(policy, (peer) => maySelect(peer, seen), isPassed));
  return about && `${policyText(about)} may be about it`;
}

/** With what stands for the profiles that pods of its namespace may always have. */
function asSeen({ namespace, labels }: Pod, ofCluster: readonly ClusterPolicy[]): Seen {
  const has = ofCluster
    .filter(isSecurityProfile)
    .filter(
      ({ assignment, namespaces }) =>
        assignment === "Always" && namespaces !== undefined && mayBeIn(namespaces, namespace),
    );
  return {
    namespace,
    labels: { ...labels, ...Object.fromEntries(has.map(({ name }) => [profileLabel(name), ""])) },
  };
}

type Seen = Pick<Pod, "namespace" | "labels">;

const maySelect = ({ namespaces, pods }: PodsPeer, { namespace, labels }: Seen): boolean =>
  selects(pods, labels) && mayBeIn(namespaces, namespace);

const mayBeIn = (namespaces: LabelSelector, namespace: string): boolean =>
  selects(
    namespaces.filter(({ key }) => key === namespaceName),
    { [namespaceName]: namespace },
  );

/** The label of each Namespace that has its name. */
const namespaceName = "kubernetes.io/metadata.name";
