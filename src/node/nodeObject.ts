// What the agent writes on its own Node object: annotations for the controller, and the condition that tells the
// scheduler that pods will have a network here.

import type { AnnotationValues } from "../kube/annotations.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Node } from "../kube/objects.ts";
import { annotate, setCondition } from "../kube/write.ts";

/** Writes the annotations that differ. */
export async function annotateNode(client: KubeClient, node: Node, values: AnnotationValues): Promise<void> {
  const different = Object.entries(values).filter(([key, value]) => node.annotations[key] !== value);
  if (different.length > 0) await annotate(client, node, Object.fromEntries(different));
}

/** Clears NetworkUnavailable, which clouds set on new nodes. */
export async function declareNetwork(client: KubeClient, node: Node): Promise<void> {
  if (!node.networkUnavailable) return;
  const condition = {
    type: "NetworkUnavailable",
    status: "False",
    reason: "WeftIsUp",
    message: "The Weft agent attaches pods on this node",
  } as const;
  await setCondition(client, node, condition, new Date());
}
