// What the agent writes on its own Node object for the controller.

import type { AnnotationValues } from "../kube/annotations.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Node } from "../kube/objects.ts";
import { annotate } from "../kube/write.ts";

/** Writes the annotations that differ. */
export async function annotateNode(client: KubeClient, node: Node, values: AnnotationValues): Promise<void> {
  const different = Object.entries(values).filter(([key, value]) => node.annotations[key] !== value);
  if (different.length > 0) await annotate(client, node, Object.fromEntries(different));
}
