// Chooses a pod's node. Pure: takes the nodes and their pods; returns a name, or the reason why none fits, in the words
// of kube-scheduler's FailedScheduling. Of the nodes that fit, the one with the fewest pods wins, then the first by
// name.

import type { Node, Pod, Taint, Toleration } from "../client/objects.ts";
import { matchesLabels } from "./selectors.ts";

export type Placement =
  | { readonly node: string; readonly reason: undefined }
  | { readonly node: undefined; readonly reason: string };

/** @param podsOn how many pods on a node have not ended. */
export function placePod(pod: Pod, nodes: readonly Node[], podsOn: (node: string) => number): Placement {
  const refusals = new Map<string, number>();
  const fitting: Node[] = [];
  for (const node of nodes) {
    const why = refusal(pod, node, podsOn(node.metadata.name));
    if (why === undefined) fitting.push(node);
    else refusals.set(why, (refusals.get(why) ?? 0) + 1);
  }
  const best = fitting
    .map(({ metadata: { name } }) => ({ name, pods: podsOn(name) }))
    .sort((a, b) => a.pods - b.pods || (a.name < b.name ? -1 : 1))[0];
  if (best) return { node: best.name, reason: undefined };
  const why = [...refusals].map(([text, count]) => `${count} ${text}`).sort();
  return {
    node: undefined,
    reason: `0/${nodes.length} nodes are available: ${why.join(", ") || "no node"}.`,
  };
}

function refusal(pod: Pod, node: Node, pods: number): string | undefined {
  const condition = (type: string) =>
    (node.status?.conditions ?? []).find((one) => one.type === type)?.status;
  if (!matchesLabels(pod.spec.nodeSelector ?? {}, node.metadata.labels ?? {})) {
    return "node(s) didn't match Pod's node selector";
  }
  if (node.metadata.deletionTimestamp !== undefined || node.spec?.unschedulable === true) {
    return "node(s) were unschedulable";
  }
  if (condition("Ready") !== "True") return "node(s) were not ready";
  // A real cluster turns this condition into a taint, which pods in the host's network tolerate.
  if (condition("NetworkUnavailable") === "True" && pod.spec.hostNetwork !== true) {
    return "node(s) had no pod network yet";
  }
  const taint = (node.spec?.taints ?? []).find((one) => !tolerated(one, pod.spec.tolerations ?? []));
  if (taint) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  if (pods >= Number(node.status?.allocatable?.["pods"] ?? Infinity)) return "Too many pods";
  return undefined;
}

export function tolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  if (taint.effect === "PreferNoSchedule") return true;
  return tolerations.some(
    ({ key, operator = "Equal", value = "", effect }) =>
      (effect === undefined || effect === "" || effect === taint.effect) &&
      (operator === "Exists"
        ? key === undefined || key === "" || key === taint.key
        : key === taint.key && value === (taint.value ?? "")),
  );
}
