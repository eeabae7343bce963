// The configuration that every pod gets: the API server from the environment, the rest from the files of its service
// account.

import { join } from "node:path";
import { type ClusterConfig, KubeConfigError, readText, tokenFrom } from "./config.ts";

/** `directory` and `environment` are parameters for tests. Rejects with a KubeConfigError outside a pod. */
export async function inCluster(
  directory = "/var/run/secrets/kubernetes.io/serviceaccount",
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ClusterConfig> {
  const host = environment.KUBERNETES_SERVICE_HOST;
  const port = environment.KUBERNETES_SERVICE_PORT;
  if (!host || !port) {
    throw new KubeConfigError(
      "not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; give a kubeconfig",
    );
  }
  const token = tokenFrom(join(directory, "token"));
  await token();
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    ca: await readText(join(directory, "ca.crt"), "certificate authority"),
    token,
    namespace: (await readText(join(directory, "namespace"), "namespace")).trim(),
  };
}
