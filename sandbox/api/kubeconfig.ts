// A kubeconfig for one user of one server, as text; kubectl and Weft read the same file.

import { rename, writeFile } from "node:fs/promises";
import { stringify } from "yaml";

export interface Credentials {
  readonly server: string;
  readonly ca: string;
  readonly token: string;
}

const kubeconfigText = ({ server, ca, token }: Credentials): string =>
  stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "weft", cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } },
    ],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "weft", context: { cluster: "weft", user: "admin", namespace: "default" } }],
    "current-context": "weft",
  });

/** Readable only by its owner, because its token is enough to do everything. The file is never seen half written. */
export async function writeKubeconfig(path: string, credentials: Credentials): Promise<void> {
  const fresh = `${path}.new`;
  await writeFile(fresh, kubeconfigText(credentials), { mode: 0o600 });
  await rename(fresh, path);
}
