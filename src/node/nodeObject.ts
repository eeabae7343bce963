// What the agent writes on its own Node object: annotations that tell the controller about it, and the condition that
// tells the scheduler that pods will have a network here.

import type { AnnotationValues } from "../kube/annotations.ts";
import type { KubeClient } from "../kube/client.ts";
import { kinds } from "../kube/kinds.ts";
import type { Node } from "../kube/objects.ts";
import { pathOf } from "../kube/resource.ts";

/** Writes the annotations that differ. */
export async function annotateNode(client: KubeClient, node: Node, values: AnnotationValues): Promise<void> {
  const different = Object.entries(values).filter(([key, value]) => node.annotations[key] !== value);
  if (different.length === 0) return;
  await client.patch(pathOf(kinds.Node, "", node.name), {
    metadata: { annotations: Object.fromEntries(different) },
  });
}

/** Clears NetworkUnavailable, which clouds set on new nodes. */
export async function declareNetwork(client: KubeClient, node: Node): Promise<void> {
  if (!node.networkUnavailable) return;
  const now = new Date().toISOString();
  const condition = {
    type: "NetworkUnavailable",
    status: "False",
    reason: "WeftIsUp",
    message: "The Weft agent attaches pods on this node",
    lastTransitionTime: now,
    lastHeartbeatTime: now,
  };
  // Merged by type into the conditions of others (kubelet's), so it must be a strategic merge.
  await client.patch(
    pathOf(kinds.Node, "", node.name, "status"),
    { status: { conditions: [condition] } },
    { type: "strategic" },
  );
}
