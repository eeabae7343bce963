// Writes the condition InForce of a policy of the whole cluster. Custom resources take no strategic merge, and a plain one
// replaces a list, so the list is read before.

import type { KubeClient, RequestOptions } from "./client.ts";
import type { ClusterPolicy } from "./clusterPolicy.ts";
import { list, record } from "./json.ts";
import { kinds } from "./kinds.ts";
import { inForceCondition, type PolicyCondition } from "./policyCondition.ts";
import { pathOf } from "./resource.ts";

/**
 * Says this on the policy, and leaves other conditions alone. As a conflict it is refused if somebody has written the policy
 * meanwhile.
 */
export async function setPolicyCondition(
  client: Pick<KubeClient, "get" | "patch">,
  { kind, name, uid }: Pick<ClusterPolicy, "kind" | "name" | "uid">,
  condition: PolicyCondition,
  at: Date,
  options: RequestOptions = {},
): Promise<void> {
  const present = record(await client.get(pathOf(kinds[kind], "", name), options));
  const { resourceVersion } = record(present.metadata);
  const conditions = list(record(present.status).conditions).map(record);
  const before = conditions.find((one) => one.type === inForceCondition);
  const isTransition = before?.status !== condition.status;
  const lastTransitionTime = isTransition ? at.toISOString().replace(/\.\d+/, "") : before.lastTransitionTime;
  const others = conditions.filter((one) => one !== before);
  const patch = {
    metadata: { uid, resourceVersion },
    status: { conditions: [...others, { type: inForceCondition, ...condition, lastTransitionTime }] },
  };
  await client.patch(pathOf(kinds[kind], "", name, "status"), patch, options);
}
