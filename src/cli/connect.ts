// How commands connect to the Kubernetes API: with a kubeconfig or a service account.

import { existsSync } from "node:fs";
import { KubeClient } from "../kube/client.ts";
import type { ClusterConfig } from "../kube/config.ts";
import { inCluster } from "../kube/in-cluster.ts";
import { loadKubeconfig } from "../kube/kubeconfig.ts";

/**
 * The kubeconfig named on the command line; without one the pod's service account, and outside a pod the user's
 * kubeconfig.
 */
function clusterConfig(kubeconfig: string | undefined): Promise<ClusterConfig> {
  if (kubeconfig !== undefined) return loadKubeconfig(kubeconfig);
  return process.env["KUBERNETES_SERVICE_HOST"] && existsSync("/var/run/secrets/kubernetes.io")
    ? inCluster()
    : loadKubeconfig();
}

export async function kubeClient(kubeconfig: string | undefined, command: string): Promise<KubeClient> {
  return KubeClient.reading(() => clusterConfig(kubeconfig), { userAgent: `weft ${command}` });
}
