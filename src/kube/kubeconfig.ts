// Kubeconfig files, read as kubectl reads them: several files make one, the first to name a thing wins, and paths are
// relative to the file that contains them. What Weft cannot honour (exec plugins, proxies, impersonation) is refused
// by name and never ignored: a request as somebody else would be worse than none.

import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { type ClusterConfig, KubeConfigError, readText, tokenFrom } from "./config.ts";

const text = v.optional(v.string(), "");
const fileSchema = v.object({
  "current-context": text,
  clusters: v.nullish(
    v.array(
      v.object({
        name: v.string(),
        cluster: v.object({
          server: v.string(),
          "certificate-authority": text,
          "certificate-authority-data": text,
          "insecure-skip-tls-verify": v.optional(v.boolean(), false),
          "tls-server-name": text,
          "proxy-url": text,
        }),
      }),
    ),
    [],
  ),
  users: v.nullish(
    v.array(
      v.object({
        name: v.string(),
        user: v.nullish(
          v.looseObject({
            "client-certificate": text,
            "client-certificate-data": text,
            "client-key": text,
            "client-key-data": text,
            token: text,
            tokenFile: text,
          }),
          {},
        ),
      }),
    ),
    [],
  ),
  contexts: v.nullish(
    v.array(
      v.object({ name: v.string(), context: v.object({ cluster: v.string(), user: text, namespace: text }) }),
    ),
    [],
  ),
});

/** Keys of a user entry that change who asks, or how, in ways that Weft does not support. */
const refusedUserKeys = ["exec", "auth-provider", "username", "password", "as", "as-uid", "as-groups"];

const hint = "name a kubeconfig by --kubeconfig or $KUBECONFIG";

/** One of the files, with the folder its relative paths start from. */
type ConfigFile = v.InferOutput<typeof fileSchema> & { readonly path: string };

/**
 * The cluster and user of `context`, or of the current context. `list` is one path or several, as in $KUBECONFIG;
 * without it that variable is used, then ~/.kube/config. Rejects with a KubeConfigError that names the file and the
 * entry.
 */
export async function loadKubeconfig(list?: string, context?: string): Promise<ClusterConfig> {
  const listed = (list ?? process.env.KUBECONFIG ?? "").split(delimiter).filter((path) => path !== "");
  const paths = listed.length > 0 ? listed : [join(homedir(), ".kube", "config")];
  const files = await Promise.all(
    paths.map((path) =>
      readConfigFile(path).catch((error: unknown) => {
        // Nobody has named this file.
        if (listed.length === 0 && error instanceof KubeConfigError)
          throw new KubeConfigError(`${error.message}; ${hint}`);
        throw error;
      }),
    ),
  );
  const where = paths.join(", ");
  const contextName = context ?? files.map((file) => file["current-context"]).find((name) => name !== "");
  if (!contextName) throw new KubeConfigError(`${where}: no current-context is set; name a context`);
  const find = <T extends { readonly name: string }>(
    what: string,
    name: string,
    entries: (file: ConfigFile) => readonly T[],
  ): { readonly entry: T; readonly file: ConfigFile } => {
    for (const file of files) {
      const entry = entries(file).find((candidate) => candidate.name === name);
      if (entry) return { entry, file };
    }
    throw new KubeConfigError(`${where}: there is no ${what} "${name}"`);
  };

  const { context: chosen } = find("context", contextName, (file) => file.contexts).entry;
  const { entry, file } = find("cluster", chosen.cluster, (file) => file.clusters);
  const cluster = entry.cluster;
  if (cluster["proxy-url"] !== "") {
    throw new KubeConfigError(
      `${file.path}: cluster "${entry.name}" uses proxy-url, which Weft does not support`,
    );
  }
  const ca = await pem(file, cluster["certificate-authority-data"], cluster["certificate-authority"]);
  return {
    server: cluster.server,
    ...(ca !== undefined && { ca }),
    ...(cluster["tls-server-name"] !== "" && { serverName: cluster["tls-server-name"] }),
    insecure: cluster["insecure-skip-tls-verify"],
    ...(chosen.user !== "" && (await credentials(find("user", chosen.user, (file) => file.users)))),
    namespace: chosen.namespace || "default",
  };
}

async function readConfigFile(path: string): Promise<ConfigFile> {
  const content = await readText(path, "kubeconfig");
  // Loaded only here, because it takes 8 MB and a process in a cluster has no such file.
  const { parse } = await import("yaml");
  let document: unknown;
  try {
    document = parse(content);
  } catch (cause) {
    throw new KubeConfigError(`${path}: is not YAML`, { cause });
  }
  const result = v.safeParse(fileSchema, document);
  if (result.success) return { ...result.output, path };
  const [issue] = result.issues;
  // What was received may be a token, so it is not repeated.
  const expected = issue.expected ?? "something else";
  throw new KubeConfigError(
    `${path}: is not a kubeconfig: ${v.getDotPath(issue) ?? "the file"} should be ${expected}`,
  );
}

async function credentials(found: {
  readonly entry: ConfigFile["users"][number];
  readonly file: ConfigFile;
}): Promise<Pick<ClusterConfig, "clientCert" | "clientKey" | "token">> {
  const { entry, file } = found;
  const user = entry.user;
  const refused = refusedUserKeys.find((key) => user[key] !== undefined);
  if (refused !== undefined) {
    throw new KubeConfigError(
      `${file.path}: user "${entry.name}" uses ${refused}, which Weft does not support; ` +
        "use a client certificate, a token or a tokenFile (for example of a service account)",
    );
  }
  const clientCert = await pem(file, user["client-certificate-data"], user["client-certificate"]);
  const clientKey = await pem(file, user["client-key-data"], user["client-key"]);
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new KubeConfigError(
      `${file.path}: user "${entry.name}" has only one of client certificate and key`,
    );
  }
  return {
    ...(clientCert !== undefined && clientKey !== undefined && { clientCert, clientKey }),
    ...tokenOf(file, user.token, user.tokenFile),
  };
}

/** As in client-go, a tokenFile takes precedence over a token. */
function tokenOf(file: ConfigFile, token: string, tokenFile: string): Pick<ClusterConfig, "token"> {
  if (tokenFile !== "") return { token: tokenFrom(beside(file, tokenFile)) };
  return token === "" ? {} : { token: () => Promise.resolve(token) };
}

/** Inline data (base64) takes precedence over a file, as in client-go. */
async function pem(file: ConfigFile, data: string, path: string): Promise<string | undefined> {
  if (data !== "") return Buffer.from(data, "base64").toString("utf8");
  return path === "" ? undefined : readText(beside(file, path), "certificate or key");
}

const beside = (file: ConfigFile, path: string): string => resolve(dirname(file.path), path);
