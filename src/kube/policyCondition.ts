// The condition InForce of a policy of the whole cluster. The definitions of these kinds have a list of conditions in their
// status (metav1.Condition), and leave it to implementations which types there are.

import { integer, list, oneOf, record, text } from "./json.ts";

export const inForceCondition = "InForce";

export interface PolicyCondition {
  /** True: all of the policy is in force, on every node that carries a pod which it selects. */
  readonly status: "True" | "False";
  /** One word. */
  readonly reason: string;
  readonly message: string;
  /** Of the policy that this is said about. */
  readonly observedGeneration: number;
}

/** What the object as the API sent it says. */
export function policyConditionOf(object: unknown): PolicyCondition | undefined {
  const found = list(record(record(object).status).conditions)
    .map(record)
    .find((one) => one.type === inForceCondition);
  const status = oneOf(["True", "False"], found?.status);
  if (!found || !status) return undefined;
  return Object.freeze({
    status,
    reason: text(found.reason),
    message: text(found.message),
    observedGeneration: integer(found.observedGeneration, 0, Number.MAX_SAFE_INTEGER) ?? 0,
  });
}
