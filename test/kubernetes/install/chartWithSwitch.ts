// As chart.ts, with all of Weft's containers: Open vSwitch is the image's, in userspace, and the nodes have nothing but their
// addresses on eth0. So somebody has to move the uplink, and it is done as docs/install.md says.

import { roles } from "../../../src/check/rights.ts";
import { type Cluster, until } from "../cluster/cluster.ts";
import { apiPort, type NodePlaces } from "../cluster/places.ts";
import { importImage, upgradeChart } from "./chart.ts";
import type { Installation } from "./installation.ts";

const datapath = "netdev";
const system = ["-n", "kube-system"];

export const asChartWithSwitch: Installation = {
  about: "image and Helm chart, with the image's Open vSwitch",
  parts: "hosts",
  roles,
  async install(cluster, signal) {
    for (const node of cluster.places.nodes) await importImage(node);
    await upgradeChart(cluster, { node: { openVSwitch: "container", datapath } }, [], signal);
    for (const node of cluster.places.nodes) await moveUplink(cluster, node, signal);
  },
};

async function moveUplink(
  cluster: Cluster,
  { host }: NodePlaces,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pod = async (): Promise<string> => {
    const chosen = ["-l", "app=weft-node", "--field-selector", `spec.nodeName=${host.name}`];
    return (await cluster.kubectl([...system, "get", "pod", ...chosen, "-o", "name"])).trim();
  };
  const running = '{.status.containerStatuses[?(@.name=="agent")].state.running}';
  await until(
    `the agent of ${host.name} runs`,
    async () => {
      const name = await pod();
      if (name === "") return false;
      return (await cluster.kubectl([...system, "get", name, "-o", `jsonpath=${running}`])) !== "";
    },
    { signal },
  );
  const [address = ""] = cluster.places.controlPlane.addresses;
  const verified = address.includes(":") ? `[${address}]:${apiPort}` : `${address}:${apiPort}`;
  const uplink = ["weft", "node", "uplink", "--datapath", datapath, "--verify", verified];
  await cluster.kubectl([...system, "exec", await pod(), "-c", "agent", "--", ...uplink]);
}
