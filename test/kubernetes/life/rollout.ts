// Whether everything of Weft that the chart has made is there and ready.

import type { Cluster } from "../cluster/cluster.ts";

const objects = [
  "statefulset/weft-central",
  "daemonset/weft-node",
  "deployment/weft-controller",
  "deployment/weft-signer",
];

/** Rejects when an object is not ready in time. */
export async function rolledOut(cluster: Cluster): Promise<void> {
  for (const object of objects)
    await cluster.kubectl(["-n", "kube-system", "rollout", "status", object, "--timeout=110s"]);
}
