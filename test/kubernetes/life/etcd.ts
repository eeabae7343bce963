// etcd behind the API server: compacted, copied, and put back to an earlier copy, as after a disaster.

import { cp, rm } from "node:fs/promises";
import * as v from "valibot";
import { run } from "../../../sandbox/process/run.ts";
import { type Cluster, until } from "../cluster/cluster.ts";

const url = "http://127.0.0.1:2379/v3";
const statusSchema = v.object({ header: v.object({ revision: v.string() }) });

/** Over etcd's own gateway from JSON to gRPC. */
const ask = (cluster: Cluster, method: string, body: object): Promise<string> =>
  cluster.sandbox
    .host(cluster.places.controlPlane.host.name)
    .exec(["curl", "-sSf", "-X", "POST", `${url}/${method}`, "-d", JSON.stringify(body)]);

/** Forgets all revisions but the present one: who watches from an earlier one is told that it is gone. */
export async function compact(cluster: Cluster): Promise<void> {
  const { header } = v.parse(statusSchema, JSON.parse(await ask(cluster, "maintenance/status", {})));
  await ask(cluster, "kv/compaction", { revision: header.revision, physical: true });
}

const copyOf = ({ places }: Cluster): string => `${places.etcd}-copy`;

/** Copies what etcd has now. It is stopped for a moment, so that the copy is one of one moment. */
export async function copy(cluster: Cluster): Promise<void> {
  const { processes } = cluster.sandbox;
  await processes.stop("etcd");
  await rm(copyOf(cluster), { recursive: true, force: true });
  await cp(cluster.places.etcd, copyOf(cluster), { recursive: true });
  await processes.start("etcd");
  await apiServerIsReady(cluster);
}

/**
 * Puts the copy back. API server, scheduler, controller manager and kubelets are restarted, as Kubernetes' documents have it
 * (Operating etcd clusters for Kubernetes, Restoring an etcd cluster). Nothing of Weft's is.
 */
export async function putBack(cluster: Cluster): Promise<void> {
  const { processes } = cluster.sandbox;
  const others = ["kube-controller-manager", "kube-scheduler"];
  const kubelets = cluster.places.nodes.map(({ host }) => `${host.name}-kubelet`);
  for (const name of [...kubelets, ...others, "kube-apiserver", "etcd"]) await processes.stop(name);
  await run(["rm", "-rf", cluster.places.etcd]);
  await cp(copyOf(cluster), cluster.places.etcd, { recursive: true });
  await processes.start("etcd");
  await processes.start("kube-apiserver");
  await apiServerIsReady(cluster);
  for (const name of [...others, ...kubelets]) await processes.start(name);
}

export const apiServerIsReady = (cluster: Cluster): Promise<void> =>
  until(
    "the API server is ready",
    async () => (await cluster.tryKubectl(["get", "--raw=/readyz"])).status === 0,
  );
