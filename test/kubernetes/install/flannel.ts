// Another network plugin than Weft: flannel by its own manifest, and kube-proxy as kubeadm has it, both with nftables. The
// nodes have an Open vSwitch without bridges, which neither uses.

import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { moduleSource } from "../build/source.ts";
import { programFolder, versions } from "../build/versions.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { NodePlaces, Places } from "../cluster/places.ts";
import { flannelImageFiles } from "../images/build.ts";
import { kubeProxyImage } from "../images/flannel.ts";
import { bareSwitch } from "../node/bareSwitch.ts";
import { ctr } from "../node/ctr.ts";
import type { Installation } from "./installation.ts";

/** As flannel's manifest has it. */
const podCidr = "10.244.0.0/16";
/** What a distribution's package `kubernetes-cni` brings, as far as flannel calls it. */
const plugins = ["bridge", "host-local", "portmap"];

export const asFlannel: Installation = {
  about: "flannel and kube-proxy",
  mode: "overlay",
  parts: "ovs",
  podCidr,
  roles: [],
  async install(cluster) {
    for (const node of cluster.places.nodes) await prepare(cluster, node);
    await cluster.apply(kubeProxy(cluster.places));
    await cluster.apply(await flannelManifest());
    for (const [namespace, name] of [
      ["kube-system", "kube-proxy"],
      ["kube-flannel", "kube-flannel-ds"],
    ] as const)
      await cluster.kubectl([
        ...["-n", namespace, "rollout", "status", `daemonset/${name}`, "--timeout=110s"],
      ]);
  },
};

async function prepare(cluster: Cluster, node: NodePlaces): Promise<void> {
  await bareSwitch(cluster, node);
  const host = cluster.sandbox.host(node.host.name);
  // kubeadm refuses a node without these.
  await host.exec(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1"]);
  const folder = join(node.directory, "root/opt/cni/bin");
  await mkdir(folder, { recursive: true });
  for (const plugin of plugins) await copyFile(join(programFolder, plugin), join(folder, plugin));
  for (const file of await flannelImageFiles()) await ctr(node, "images", "import", file);
}

/** All nodes are one machine, so its lock of iptables is not theirs. */
async function flannelManifest(): Promise<string> {
  const source = await moduleSource("github.com/flannel-io/flannel", versions.flannel);
  const text = await readFile(join(source, "Documentation/kube-flannel.yml"), "utf8");
  return text
    .replace('"EnableNFTables": false', '"EnableNFTables": true')
    .replaceAll("path: /run/xtables.lock", "path: /run/flannel/xtables.lock");
}

export function kubeProxy({ server }: Places): string {
  const metadata = { name: "kube-proxy", namespace: "kube-system" };
  const folder = "/var/lib/kube-proxy";
  const account = "/var/run/secrets/kubernetes.io/serviceaccount";
  const configuration = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clusterCIDR: podCidr,
    clientConnection: { kubeconfig: `${folder}/kubeconfig` },
    // The limits of connections are the whole machine's.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  };
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "default", cluster: { server, "certificate-authority": `${account}/ca.crt` } }],
    users: [{ name: "default", user: { tokenFile: `${account}/token` } }],
    contexts: [{ name: "default", context: { cluster: "default", user: "default" } }],
    "current-context": "default",
  };
  const labels = { "k8s-app": "kube-proxy" };
  const container = {
    name: "kube-proxy",
    image: kubeProxyImage,
    // With nft 1.0.6 of Debian 12, one that started on the rules of its former life left its map of Services empty.
    command: [
      "sh",
      "-c",
      `for family in ip ip6; do nft delete table $family kube-proxy 2>/dev/null; done
      exec /usr/local/bin/kube-proxy --config=${folder}/config.conf --hostname-override=$NODE_NAME`,
    ],
    env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
    securityContext: { privileged: true },
    volumeMounts: [{ name: "configuration", mountPath: folder }],
  };
  const items = [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "kubeadm:node-proxier" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:node-proxier" },
      subjects: [{ kind: "ServiceAccount", ...metadata }],
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata,
      data: { "config.conf": stringify(configuration), kubeconfig: stringify(kubeconfig) },
    },
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { ...metadata, labels },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            hostNetwork: true,
            priorityClassName: "system-node-critical",
            serviceAccountName: "kube-proxy",
            tolerations: [{ operator: "Exists" }],
            containers: [container],
            volumes: [{ name: "configuration", configMap: { name: "kube-proxy" } }],
          },
        },
      },
    },
  ];
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
