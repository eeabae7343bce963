// Where everything of a Kubernetes cluster on this machine is, and its addresses. It stands on a sandbox that runs OVN
// alone: the sandbox's nodes become Kubernetes' nodes. Pure: a sandbox's layout in, places out.

import { join } from "node:path";
import { type NodeHost, plainAddress } from "../../../sandbox/host.ts";
import type { Layout } from "../../../sandbox/layout.ts";
import { addressAt, formatIp, parseCidr } from "../../../src/model/ip.ts";

/** On disk, because images are too large for the memory behind /run. */
const base = "/var/lib/weft-kubernetes";

export const clusterDomain = "cluster.local";
export const apiPort = 6443;

export interface NodePlaces {
  readonly host: NodeHost;
  readonly addresses: readonly string[];
  readonly directory: string;
  /** The node's mount namespace, as a file. */
  readonly mountNamespace: string;
  /** The root of its pods' cgroups, `/weft-NAME-n1`. */
  readonly cgroup: string;
  readonly kubeconfig: string;
}

export interface Places {
  readonly layout: Layout;
  readonly directory: string;
  readonly pki: string;
  readonly etcd: string;
  /** What the API server logs of Weft's accounts, and by which policy. */
  readonly audit: { readonly log: string; readonly policy: string };
  /** For kubectl on this machine. */
  readonly kubeconfig: string;
  /** For hosts of the sandbox, which reach the API server by its address. */
  readonly insideKubeconfig: string;
  readonly kubeconfigOf: (user: string) => string;
  /** The API server as the cluster's hosts reach it. */
  readonly server: string;
  readonly serviceAddress: (place: bigint) => readonly string[];
  readonly controlPlane: NodePlaces;
  readonly nodes: readonly NodePlaces[];
}

export const directoryOf = (name: string): string => join(base, name);
export const nodeDirectoryOf = (name: string, node: string): string => join(directoryOf(name), "nodes", node);
export const mountNamespaceOf = (nodeDirectory: string): string => join(nodeDirectory, "namespace/mnt");
export const cgroupPrefixOf = (name: string): string => `weft-${name}-`;

export function placesOf(layout: Layout): Places {
  const { name, serviceCidrs, nodeHosts } = layout;
  const directory = directoryOf(name);
  const kubeconfigOf = (user: string): string => join(directory, "kubeconfigs", user);
  const nodes = nodeHosts.map((host): NodePlaces => {
    const nodeDirectory = nodeDirectoryOf(name, host.name);
    return {
      host,
      addresses: host.addresses.map(plainAddress),
      directory: nodeDirectory,
      mountNamespace: mountNamespaceOf(nodeDirectory),
      cgroup: `/${cgroupPrefixOf(name)}${host.name}`,
      kubeconfig: kubeconfigOf(`kubelet-${host.name}`),
    };
  });
  const [controlPlane] = nodes;
  if (!controlPlane) throw new Error(`sandbox ${name} has no nodes`);
  const [address = ""] = controlPlane.addresses;
  return {
    layout,
    directory,
    pki: join(directory, "pki"),
    etcd: join(directory, "etcd"),
    audit: { log: join(directory, "audit.log"), policy: join(directory, "audit-policy.json") },
    kubeconfig: layout.kubeconfig,
    insideKubeconfig: kubeconfigOf("admin"),
    kubeconfigOf,
    server: `https://${address.includes(":") ? `[${address}]` : address}:${apiPort}`,
    serviceAddress: (place) =>
      serviceCidrs.flatMap((network) => {
        const cidr = parseCidr(network);
        return cidr ? [formatIp(addressAt(cidr, place))] : [];
      }),
    controlPlane,
    nodes,
  };
}
