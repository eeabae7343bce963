// Whether everything of Weft that the chart has made is there and ready.

import type { Cluster } from "../cluster/cluster.ts";

const everywhere = ["daemonset/weft-node", "deployment/weft-controller"];
const inOverlay = ["statefulset/weft-central", "deployment/weft-signer"];

/** Rejects when an object is not ready in time. */
export async function rolledOut(cluster: Cluster): Promise<void> {
  const isUnderlay = cluster.places.layout.tenant !== undefined;
  for (const object of isUnderlay ? everywhere : [...inOverlay, ...everywhere])
    await cluster.kubectl(["-n", "kube-system", "rollout", "status", object, "--timeout=110s"]);
}
