// Weft as its users install it: the image and the Helm chart. The nodes keep their Open vSwitch, as
// `node.openVSwitch: host` has it, because the machine's kernel may lack the module. OVN central and the nodes'
// ovn-controller are the chart's, so those of the sandbox are ended.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { inNetns } from "../../../sandbox/fabric/netns.ts";
import { run } from "../../../sandbox/process/run.ts";
import { programFolder } from "../build/versions.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { apiPort, type NodePlaces } from "../cluster/places.ts";
import { inMounts } from "../node/namespace.ts";
import type { Installation } from "./installation.ts";

const checkout = join(import.meta.dirname, "../../..");
const image = join(checkout, "build/weft-image.tar");
const ctr = join(programFolder, "ctr");
const minutes = 60_000;

export const asChart: Installation = {
  about: "image and Helm chart",
  async install(cluster, signal) {
    if (!existsSync(image)) throw new Error(`${image} is missing; build it with: make image`);
    const { places, sandbox } = cluster;
    for (const node of places.nodes) await prepareNode(cluster, node);
    for (const name of ["central-northd", "central-nb", "central-sb"]) await sandbox.processes.stop(name);
    const [address = ""] = places.controlPlane.addresses;
    const values = {
      apiServer: { host: address, port: apiPort },
      central: { node: places.controlPlane.host.name, address },
      clusterCidrs: places.layout.clusterCidrs,
      serviceCidrs: places.layout.serviceCidrs,
      node: { openVSwitch: "host", datapath: "netdev" },
    };
    await run(
      [
        ...[join(programFolder, "helm"), "upgrade", "--install", "weft", join(checkout, "deploy/helm/weft")],
        ...["--namespace=kube-system", `--kubeconfig=${places.kubeconfig}`, "--values=-"],
      ],
      { input: JSON.stringify(values), timeoutMs: 2 * minutes, ...(signal && { signal }) },
    );
  },
};

/** A node's own folder at the place where the chart expects it. */
const bindScript = 'mkdir -p "$1" "$2"; mountpoint -q "$2" || mount --bind "$1" "$2"';

async function prepareNode({ sandbox }: Cluster, node: NodePlaces): Promise<void> {
  const { host } = node;
  await sandbox.processes.stop(`${host.name}-ovn-controller`);
  const onNode = (argv: readonly string[]): readonly string[] => inNetns(host.netns, inMounts(node, argv));
  const { directory } = node;
  for (const [source, place] of [
    [host.ovs, "/run/openvswitch"],
    [host.ovn, "/run/ovn"],
    [join(directory, "root/var/lib/weft"), "/var/lib/weft"],
  ] as const)
    await run(onNode(["sh", "-c", bindScript, "bind", source, place]));
  await run(onNode([ctr, "-n", "k8s.io", "images", "import", image]), { timeoutMs: 5 * minutes });
}
