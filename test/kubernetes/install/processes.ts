// Weft as processes of this checkout: the controller on the first node, an agent on each. They have the rights of their
// service accounts and no others.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { hostEnvironment } from "../../../sandbox/environment.ts";
import type { ProcessSpec } from "../../../sandbox/process/record.ts";
import { weft } from "../../../sandbox/processes.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { kubeconfigText } from "../cluster/pki.ts";
import type { NodePlaces, Places } from "../cluster/places.ts";
import { inMounts } from "../node/namespace.ts";
import type { Installation } from "./installation.ts";

const namespace = "kube-system";
const manifests = join(import.meta.dirname, "../../../deploy/manifests/overlay.yaml");
const accountKinds = new Set(["ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]);
/** Longer than any cluster for tests lives. */
const tokenDuration = "240h";

export const asProcesses: Installation = {
  about: "controller and agents as processes, with service accounts",
  mode: "overlay",
  parts: "ovn",
  roles: ["controller", "agent"],
  async install(cluster, signal) {
    const { places, sandbox } = cluster;
    await cluster.apply(await accounts());
    for (const account of ["weft-controller", "weft-agent"]) await writeAccount(cluster, account);
    await sandbox.processes.launch(controllerProcess(places), signal);
    for (const node of places.nodes) await sandbox.processes.launch(agentProcess(places, node), signal);
  },
};

/** Accounts and rights as the chart has them. */
async function accounts(): Promise<string> {
  const documents = parseAllDocuments(await readFile(manifests, "utf8"));
  return documents
    .filter((document) => accountKinds.has(String(document.get("kind"))))
    .map(String)
    .join("---\n");
}

async function writeAccount(cluster: Cluster, account: string): Promise<void> {
  const { places } = cluster;
  const token = await cluster.kubectl([
    "create",
    "token",
    account,
    "-n",
    namespace,
    `--duration=${tokenDuration}`,
  ]);
  const ca = await readFile(join(places.pki, "ca.crt"));
  const path = places.kubeconfigOf(account);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, kubeconfigText(places.server, ca.toString("base64"), { token: token.trim() }), {
    mode: 0o600,
  });
}

const sharedFlags = ({ layout }: Places) => ({
  "cluster-cidr": layout.clusterCidrs.join(),
  "service-cidr": layout.serviceCidrs.join(),
});

function controllerProcess(places: Places): ProcessSpec {
  const { layout, controlPlane, kubeconfigOf } = places;
  return {
    name: "controller",
    netns: controlPlane.host.netns,
    argv: [
      ...weft("controller", {
        kubeconfig: kubeconfigOf("weft-controller"),
        northbound: `unix:${layout.central.northboundSocket}`,
        southbound: `unix:${layout.central.southboundSocket}`,
        ...sharedFlags(places),
      }),
    ],
    env: hostEnvironment(layout, controlPlane.host),
  };
}

/** In the node's mount namespace, because the runtime names a pod's network namespace by a path there. */
function agentProcess(places: Places, node: NodePlaces): ProcessSpec {
  const { layout, kubeconfigOf } = places;
  const { host } = node;
  const argv = weft("agent", {
    node: host.name,
    kubeconfig: kubeconfigOf("weft-agent"),
    vswitch: `unix:${host.ovsSocket}`,
    "ovs-rundir": host.ovs,
    "ovn-rundir": host.ovn,
    southbound: layout.central.southbound,
    ...sharedFlags(places),
  });
  return {
    name: `${host.name}-agent`,
    netns: host.netns,
    argv: [...inMounts(node, argv)],
    env: hostEnvironment(layout, host),
  };
}
