// A node whose Open vSwitch runs and has no bridges yet: its addresses are on its card, as on a machine that was just installed.

import type { Cluster } from "../cluster/cluster.ts";
import type { NodePlaces } from "../cluster/places.ts";
import { bareCard } from "./bareCard.ts";

/** For nodes with the parts `ovs` of a sandbox. */
export async function bareSwitch(cluster: Cluster, node: NodePlaces): Promise<void> {
  const { processes } = cluster.sandbox;
  await cluster.sandbox.host(node.host.name).exec(["ovs-vsctl", "--if-exists", "del-br", "br-ex"]);
  await bareCard(cluster, node);
  // It was to wait for a bridge that is not there any more, whenever it starts.
  const name = `${node.host.name}-vswitchd`;
  const record = processes.find(name);
  if (!record) throw new Error(`${name} has never run`);
  await processes.stop(name);
  await processes.launch({ ...record, ready: [] });
}
