// Whether a pod may have an open port: only when this agent can prove, by what it knows already, that no NetworkPolicy
// older than the pod selects it. A policy younger than the pod reaches every pod a little late, however it got its port.

import { selects } from "../../kube/labelSelector.ts";
import type { NetworkPolicy, Pod } from "../../kube/objects.ts";
import type { PodIdentity } from "../nouns/attachment.ts";
import type { Source } from "../wait/whenever.ts";

/** What the agent knows of NetworkPolicies. */
export interface Policies extends Source {
  readonly synced: boolean;
  /** Every policy that is older than the pod, with the labels it has, is known. */
  knows(pod: Pod): boolean;
  by(index: "namespace", namespace: string): readonly NetworkPolicy[];
}

/**
 * Why it is not proven that nothing selects the pod; undefined when it is proven. `known` is the pod of that name as the
 * agent knows it. It stays proven while the API server is away: what is older than the pod is known.
 */
export function doubtAbout(
  wanted: PodIdentity,
  known: Pod | undefined,
  policies: Policies,
): string | undefined {
  // By name alone, a pod could be taken for its predecessor, which had other labels.
  if (wanted.uid === undefined) return "the runtime does not say the pod's UID";
  if (known?.uid !== wanted.uid) return "the API server has not told this node's agent about the pod";
  if (!policies.synced) return "the API server has not told this node's agent about NetworkPolicies";
  if (!policies.knows(known)) {
    return "this node's agent does not know yet whether there are NetworkPolicies as young as the pod";
  }
  const selecting = policies
    .by("namespace", known.namespace)
    .find(({ podSelector }) => selects(podSelector, known.labels));
  return selecting && `NetworkPolicy ${selecting.namespace}/${selecting.name} selects it`;
}
