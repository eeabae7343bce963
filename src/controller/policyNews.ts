// What people and metrics are told of policies.

import type { ClusterPolicy } from "../kube/clusterPolicy.ts";
import type { ObjectRef } from "../kube/kinds.ts";
import type { PolicyCondition } from "../kube/policyCondition.ts";

export interface PolicyNews {
  /** It is so since now, so long after the policy was seen. */
  readonly cameIntoForce: (ms: number) => void;
  readonly inForce: (policy: ObjectRef, message: string) => void;
  readonly notInForce: (policy: ObjectRef, message: string) => void;
  /** Writes it on the policy. */
  readonly condition: (policy: ClusterPolicy, condition: PolicyCondition) => Promise<void>;
}

/** `since`: the time by the wall clock. `pods`: how many the policy selects. */
export function inForceText(since: string, pods: number): string {
  const selects =
    pods === 0
      ? "it selects no pods at present; new ones are bound by it from their first packet on"
      : `it selects ${pods === 1 ? "1 pod" : `${pods} pods`}`;
  return `in force since ${since}; ${selects}`;
}

/** `since`: when the policy came into force before it lacked something; undefined when it has not been yet. */
export const lateText = (waitsFor: string, since: string | undefined): string =>
  `not in force ${since === undefined ? "yet" : "with all pods"}: waits for ${waitsFor}`;

/** What a policy waits for that these chassis have not installed. */
export function behindText(
  chassis: ReadonlySet<string>,
  nodeOf: (chassis: string) => string | undefined,
): string {
  const [first = ""] = chassis;
  const node = nodeOf(first);
  const where = node === undefined ? `chassis ${first}` : `node ${node}`;
  const more = chassis.size > 1 ? `, and those of ${chassis.size - 1} more,` : "";
  return `ovn-controller of ${where}${more} to install it`;
}
