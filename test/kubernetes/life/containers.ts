// The containers of Weft's pods, and signals to them that the kubelet knows nothing of.

import type { Cluster } from "../cluster/cluster.ts";
import { ctr } from "../node/ctr.ts";

const selector = "app in (weft-central,weft-controller,weft-node,weft-signer)";

export interface Container {
  readonly name: string;
  readonly pod: string;
  readonly node: string;
  /** Another one after each restart. */
  readonly id: string;
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly containerStatuses?: readonly { readonly name: string; readonly containerID?: string }[];
  };
}

/** Of all pods that are not leaving, what has been started. */
export async function weftContainers(cluster: Cluster): Promise<readonly Container[]> {
  const { items }: { readonly items: readonly PodObject[] } = JSON.parse(
    await cluster.kubectl(["-n", "kube-system", "get", "pods", "-l", selector, "-o", "json"]),
  );
  return items.flatMap(({ metadata, spec, status }) =>
    metadata.deletionTimestamp === undefined
      ? (status.containerStatuses ?? []).flatMap(({ name, containerID = "" }) => ({
          ...{ name, pod: metadata.name, node: spec.nodeName ?? "" },
          id: containerID.replace("containerd://", ""),
        }))
      : [],
  );
}

/** To the container's first process. */
export async function signalContainer(
  cluster: Cluster,
  { name, node, id }: Container,
  signal: "SIGKILL" | "SIGSTOP" | "SIGCONT",
): Promise<void> {
  const place = cluster.places.nodes.find(({ host }) => host.name === node);
  if (!place) throw new Error(`the container ${name} is on node "${node}", which this cluster has not`);
  await ctr(place, "tasks", "kill", `--signal=${signal}`, id);
}
