// The two conditions of its Node that an agent writes: NetworkUnavailable, with which no pods are scheduled there, and
// NetworkDegraded, with which they are, but do not reach all they did.

import type { KubeClient } from "../../kube/client.ts";
import type { ConditionText, Node } from "../../kube/objects.ts";
import { declareDegraded, declareNetwork } from "../../kube/write.ts";
import type { NodeCondition } from "./nodeReporter.ts";

/**
 * Whether the condition NetworkUnavailable is not about `problem`. That a node works is written once; after that the author and
 * the wording of the condition do not matter.
 */
export function saysElse(node: Node, problem: ConditionText | undefined): boolean {
  if (!problem) return node.networkUnavailable || node.networkCondition === undefined;
  return (
    !node.networkUnavailable ||
    node.networkCondition?.reason !== problem.reason ||
    node.networkCondition.message !== problem.message
  );
}

export const networkUnavailable = (client: KubeClient, signal: AbortSignal): NodeCondition => ({
  name: "NetworkUnavailable",
  differs: saysElse,
  declare: (node, problem) => declareNetwork(client, node, problem, { signal }),
});

/** A node that has never been degraded has no such condition. */
export const networkDegraded = (client: KubeClient, signal: AbortSignal): NodeCondition => ({
  name: "NetworkDegraded",
  differs: ({ networkDegraded: said }, problem) => said?.message !== problem?.message,
  declare: (node, problem) => declareDegraded(client, node, problem, { signal }),
});
