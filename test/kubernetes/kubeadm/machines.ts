// Machines as kubeadm's own guide prepares them: containerd, a kubelet that waits for its configuration, kubeadm, and the images.
// They have Open vSwitch, as Debian's package brings it, and their addresses are on their cards.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { upSandbox } from "../../../sandbox/up.ts";
import { programFolder } from "../build/versions.ts";
import { Cluster } from "../cluster/cluster.ts";
import { relayProcesses } from "../cluster/controlPlane.ts";
import type { NodePlaces, Places } from "../cluster/places.ts";
import { startRuntime } from "../cluster/startRuntime.ts";
import { kubeadmImageFiles } from "../images/build.ts";
import { bareSwitch } from "../node/bareSwitch.ts";
import { ctr } from "../node/ctr.ts";
import { onNode } from "../node/processes.ts";
import { resolvConf } from "./configuration.ts";

/** Machines that are nobody's nodes yet; nobody answers to the handle's kubectl before `useAdmin`. IPv4. */
export async function upMachines(
  name: string,
  nodes: number,
  progress: (line: string) => void,
): Promise<Cluster> {
  const sandbox = await upSandbox({ name, nodes, mode: "overlay", parts: "ovs", families: [4] });
  const cluster = new Cluster(sandbox);
  for (const process of relayProcesses(cluster.places)) await sandbox.processes.launch(process);
  for (const node of cluster.places.nodes) {
    await bareSwitch(cluster, node);
    await startRuntime(cluster, node, undefined);
    for (const file of await kubeadmImageFiles()) await ctr(node, "images", "import", file);
    const kubelet = join(node.directory, "root/var/lib/kubelet");
    await mkdir(kubelet, { recursive: true });
    // CoreDNS of kubeadm does not start without a server to forward to; nobody is there.
    await writeFile(join(node.directory, "root", resolvConf), "nameserver 192.0.2.53\n");
    await sandbox.processes.launch(kubeletProcess(cluster.places, node));
    progress(`${node.host.name} has containerd, images, and a kubelet that waits`);
  }
  return cluster;
}

/** As kubeadm's unit for systemd has it (10-kubeadm.conf): in vain, and again, until kubeadm has configured it. */
const kubeletScript = `
until [ -s /var/lib/kubelet/config.yaml ] && [ -s /var/lib/kubelet/kubeadm-flags.env ]; do sleep 0.2; done
. /var/lib/kubelet/kubeadm-flags.env
exec ${join(programFolder, "kubelet")} --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \\
  --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS "$@"
`;

const kubeletProcess = (places: Places, node: NodePlaces) =>
  // Each kubelet has its own part of the machine's cgroups.
  onNode(places, node, "kubelet", ["sh", "-c", kubeletScript, "kubelet", `--cgroup-root=${node.cgroup}`]);

/** Lets kubectl on this machine use the kubeconfig that kubeadm has made. */
export async function useAdmin({ places }: Cluster): Promise<void> {
  const made = await readFile(join(places.controlPlane.directory, "root/etc/kubernetes/admin.conf"), "utf8");
  const local = `https://127.0.0.1:${places.layout.apiPort}`;
  await writeFile(places.kubeconfig, made.replace(/server: .*/, `server: ${local}`), { mode: 0o600 });
}
