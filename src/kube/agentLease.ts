// The Lease by which a node's agent says that it lives, as a kubelet does for the node itself. A Lease, because it is small and
// nobody watches it but the controller that leads; writing the Node that often would wake everyone who watches Nodes.
// It belongs to the Node and goes with it.

import type { KubeClient, RequestOptions } from "./client.ts";
import { isNotFound } from "./error.ts";
import type { Watchable } from "./kinds.ts";
import { leaseRecordOf, microTime } from "./lease-record.ts";
import type { Node, ObjectMeta } from "./objects.ts";
import { metaOf } from "./project.ts";
import { leases, pathOf } from "./resource.ts";

/** On the Lease: the Weft cluster whose agent it is. */
const clusterLabel = "weft.io/cluster";

export interface AgentLease extends ObjectMeta {
  /** The node whose agent renews it. */
  readonly node: string;
  /** By the clock of the node: compared only for change. */
  readonly renewTime: string;
  /** An agent that has not renewed it for this long is dead or cut off. */
  readonly durationMs: number;
}

export const agentLeases: Watchable<AgentLease> = {
  ...leases,
  indexes: {},
  project: (object, intern) => {
    const meta = metaOf(object, intern);
    const { holder, durationMs, renewTime } = leaseRecordOf(object);
    if (!meta || holder === "" || durationMs === undefined) return undefined;
    // An agent may write only its own Lease, but anything into that: it must not speak for another node's agent.
    if (meta.name !== agentLeaseName(meta.labels[clusterLabel] ?? "", holder)) return undefined;
    return Object.freeze({ ...meta, node: holder, renewTime, durationMs });
  },
};

/** The labels of the agents' Leases of one cluster. */
export const agentLeasesOf = (cluster: string): Readonly<Record<string, string>> => ({
  [clusterLabel]: cluster,
});

export interface Beat {
  readonly namespace: string;
  readonly cluster: string;
  readonly durationMs: number;
  /** By the wall clock. */
  readonly wallMs: number;
}

/** The rights of the agents' account in the Helm chart end where this name does (templates/admission.yaml). */
export const agentLeaseName = (cluster: string, node: string): string => `weft-${cluster}-agent-${node}`;

/** Renews the Lease of the node's agent, or makes it. */
export async function renewAgentLease(
  client: Pick<KubeClient, "patch" | "create">,
  node: Node,
  { namespace, cluster, durationMs, wallMs }: Beat,
  options: RequestOptions = {},
): Promise<void> {
  const name = agentLeaseName(cluster, node.name);
  const spec = {
    holderIdentity: node.name,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    renewTime: microTime(wallMs),
  };
  const owner = { apiVersion: "v1", kind: "Node", name: node.name, uid: node.uid };
  const metadata = { labels: agentLeasesOf(cluster), ownerReferences: [owner] };
  try {
    await client.patch(pathOf(leases, namespace, name), { metadata, spec }, options);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { ...metadata, namespace, name },
      spec,
    };
    await client.create(pathOf(leases, namespace), lease, options);
  }
}
