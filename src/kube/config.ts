// How to reach an API server and with which identity: the result of kubeconfig.ts and of in-cluster.ts.

import { readFile } from "node:fs/promises";

export interface ClusterConfig {
  /** `https://172.30.0.11:6443`; a path after the port is kept. Plain http only without credentials. */
  readonly server: string;
  /** PEM. Without it, the system's certificate authorities are trusted. */
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  /**
   * The current bearer token, asked for before each request. A function, so that logging a config does not print it.
   */
  readonly token?: () => Promise<string | undefined>;
  /** The name in the server's certificate, where that is not the host in `server`. */
  readonly serverName?: string;
  /** Do not verify the server's certificate. */
  readonly insecure?: boolean;
  /** Where the program runs, or the context's default. */
  readonly namespace: string;
}

/** A configuration that cannot be used; the message says which file and what to do. */
export class KubeConfigError extends Error {
  override readonly name = "KubeConfigError";
}

/**
 * A token that is read from `path` each time, because the kubelet replaces projected tokens long before they expire.
 */
export const tokenFrom = (path: string) => async (): Promise<string> => {
  const token = (await readText(path, "bearer token")).trim();
  if (token === "") throw new KubeConfigError(`${path}: the bearer token file is empty`);
  return token;
};

export async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new KubeConfigError(`cannot read the ${what} ${path}: ${whyUnreadable(cause)}`, { cause });
  }
}

/** In words, where people meet it often. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "it is a folder";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
