// The two conditions that an agent writes on its Node: NetworkUnavailable, under which no pods are scheduled there, and
// NetworkDegraded, under which pods are scheduled but cannot reach everything they could before.

import type { KubeClient } from "../../kube/client.ts";
import type { ConditionText, Node } from "../../kube/objects.ts";
import { declareDegraded, declareNetwork } from "../../kube/write.ts";
import type { NodeCondition } from "./nodeReporter.ts";

/**
 * Whether the condition NetworkUnavailable says something other than `problem`. For a working node any False condition
 * will do, whoever wrote it and in whatever words.
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
