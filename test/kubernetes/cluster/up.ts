// Brings a cluster up: the nodes' networks as a sandbox, then the control plane, the nodes, their network plugin, and DNS. Called again on a cluster that
// is up, it starts what has died. If it fails, everything stays for a look; `make down` takes it away.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { upSandbox } from "../../../sandbox/up.ts";
import type { Family } from "../../../src/model/ip.ts";
import { controlPlaneLabel } from "../../../src/model/names.ts";
import { auditPolicy } from "../install/audit.ts";
import type { Installation } from "../install/installation.ts";
import { dnsPlace } from "../node/kubeletConfig.ts";
import { kubeletProcess } from "../node/processes.ts";
import { Cluster, until } from "./cluster.ts";
import { apiServerProcess, controllerProcesses, etcdProcess } from "./controlPlane.ts";
import { makePki } from "./pki.ts";
import type { NodePlaces, Places } from "./places.ts";
import { startRuntime } from "./startRuntime.ts";

export interface UpOptions {
  readonly name: string;
  readonly nodes: number;
  /** Default both. */
  readonly families?: readonly Family[] | undefined;
  readonly installation: Installation;
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export async function upCluster({
  name,
  nodes,
  families,
  installation,
  progress,
  signal,
}: UpOptions): Promise<Cluster> {
  const started = performance.now();
  const done = (step: string): void =>
    progress(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${step}`);
  const sandbox = await upSandbox({
    ...{ name, nodes, mode: installation.mode, parts: installation.parts },
    ...(families && { families }),
    ...(signal && { signal }),
  });
  const cluster = new Cluster(sandbox);
  const { places } = cluster;
  done("the nodes' networks, with what they have of OVN before");
  await makePki(places);
  await writeFile(places.audit.policy, JSON.stringify(auditPolicy));
  await sandbox.processes.launch(etcdProcess(places), signal);
  await sandbox.processes.launch(apiServerProcess(places), signal);
  for (const process of controllerProcesses(places, installation.podCidr))
    await sandbox.processes.launch(process, signal);
  await until(
    "the API server is ready",
    async () => (await cluster.tryKubectl(["get", "--raw=/readyz"])).status === 0,
    {
      signal,
    },
  );
  done("control plane: etcd, API server, controller manager, scheduler");
  await Promise.all(places.nodes.map((node) => startNode(cluster, node, signal)));
  done("nodes: containerd with its images, kubelet");
  await installation.install(cluster, signal);
  await until("all nodes are registered", async () => (await readyNodes(cluster)).length === nodes, {
    signal,
  });
  await until("all nodes are ready", async () => (await readyNodes(cluster)).every((ready) => ready), {
    signal,
  });
  // As kubeadm does. A kubelet may not say so of itself.
  await cluster.kubectl([
    "label",
    "node",
    places.controlPlane.host.name,
    `${controlPlaneLabel}=`,
    "--overwrite",
  ]);
  done(`network: ${installation.about}; all nodes are ready`);
  await cluster.apply(await coreDns(places));
  await cluster.kubectl(["-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=110s"]);
  done("CoreDNS is ready");
  return cluster;
}

/** At the address that kubelets tell their pods. */
async function coreDns(places: Places): Promise<string> {
  const text = await readFile(join(import.meta.dirname, "coredns.yaml"), "utf8");
  return text.replace("DNS_ADDRESS", JSON.stringify(places.serviceAddress(dnsPlace)[0]));
}

async function startNode(cluster: Cluster, node: NodePlaces, signal: AbortSignal | undefined): Promise<void> {
  await startRuntime(cluster, node, signal);
  await cluster.sandbox.processes.launch(kubeletProcess(cluster.places, node), signal);
}

/** Whether each registered node is ready. */
async function readyNodes(cluster: Cluster): Promise<readonly boolean[]> {
  const path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  const { status, stdout } = await cluster.tryKubectl(["get", "nodes", "-o", `jsonpath=${path}`]);
  return status === 0
    ? stdout
        .split("\n")
        .filter(Boolean)
        .map((state) => state === "True")
    : [];
}
