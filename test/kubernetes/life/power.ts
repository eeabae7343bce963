// A node loses its power, and may get it back: everything that runs there is gone at once, and then what a reboot forgets, which is
// /run, mounts, and pods' network namespaces. Its disk and the database of its Open vSwitch stay.

import { endProcesses } from "../../../sandbox/process/end.ts";
import { run } from "../../../sandbox/process/run.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { NodePlaces } from "../cluster/places.ts";
import { processesInCgroups } from "../node/cgroups.ts";
import { inNode, processesInMounts } from "../node/namespace.ts";

/** In the order in which they start. */
const programs = ["ovsdb", "vswitchd", "containerd", "kubelet"];

const forget = `
awk '$2 ~ "^/(run/containerd|run/netns|var/lib/kubelet/pods)/" { print $2 }' /proc/self/mounts | sort -r |
  while read -r mount; do umount -l "$mount"; done
rm -rf /run/containerd/* /run/netns/* /run/weft/* /run/flannel/*
`;

function placeOf({ places }: Cluster, name: string): NodePlaces {
  const place = places.nodes.find(({ host }) => host.name === name);
  if (!place) throw new Error(`there is no node ${name}`);
  if (place === places.controlPlane)
    throw new Error(`${name} has the control plane, which is not ended here`);
  return place;
}

export async function powerOff(cluster: Cluster, name: string): Promise<void> {
  const node = placeOf(cluster, name);
  const { processes } = cluster.sandbox;
  for (const program of programs.toReversed()) await processes.kill(`${name}-${program}`, "SIGKILL");
  const left = () => [
    ...processesInCgroups(node.cgroup.slice(1)),
    ...processesInMounts([node.mountNamespace]),
  ];
  await endProcesses(left, 0);
  await run(inNode(node, ["sh", "-c", forget]));
}

export async function powerOn(cluster: Cluster, name: string): Promise<void> {
  placeOf(cluster, name);
  for (const program of programs) await cluster.sandbox.processes.start(`${name}-${program}`);
}
