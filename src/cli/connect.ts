// How commands reach what they talk to: the Kubernetes API by kubeconfig or service account, and a log that both layers
// below share.

import { existsSync } from "node:fs";
import pino from "pino";
import { KubeClient } from "../kube/client.ts";
import type { Log } from "../kube/clock.ts";
import type { ClusterConfig } from "../kube/config.ts";
import { inCluster } from "../kube/in-cluster.ts";
import { loadKubeconfig } from "../kube/kubeconfig.ts";

/** The kubeconfig that is named; else, in a pod, its service account; else the user's kubeconfig. */
export function clusterConfig(kubeconfig: string | undefined): Promise<ClusterConfig> {
  if (kubeconfig !== undefined) return loadKubeconfig(kubeconfig);
  return process.env["KUBERNETES_SERVICE_HOST"] && existsSync("/var/run/secrets/kubernetes.io")
    ? inCluster()
    : loadKubeconfig();
}

export async function kubeClient(kubeconfig: string | undefined, command: string): Promise<KubeClient> {
  return new KubeClient(await clusterConfig(kubeconfig), { userAgent: `weft ${command}` });
}

/** One JSON object a line on standard output, with ISO times. */
export function jsonLog(level: string): Log {
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: "msg" });
  return (severity, message, fields) => logger[severity](fields, message);
}
