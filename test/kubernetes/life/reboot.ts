// A node boots anew: what a reboot forgets is gone, and its network is as its own configuration has it.

import type { Cluster } from "../cluster/cluster.ts";
import type { NodePlaces } from "../cluster/places.ts";
import { bareCard } from "../node/bareCard.ts";
import { powerOff, powerOn } from "./power.ts";

export async function reboot(cluster: Cluster, node: NodePlaces): Promise<void> {
  await powerOff(cluster, node.host.name);
  await bareCard(cluster, node);
  await powerOn(cluster, node.host.name);
}
