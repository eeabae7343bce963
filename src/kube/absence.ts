// An object that a list leaves out is asked for by name. A list may be wrong; an answer about one object counts, if it
// comes from the server that the controller knows.

import type { ApiServer } from "./apiServer.ts";
import type { KubeClient } from "./client.ts";
import { isNotFound, KubeError } from "./error.ts";
import { pathOf, type Resource } from "./resource.ts";

export type Answer =
  | { readonly is: "there"; readonly raw: unknown }
  | { readonly is: "gone" }
  /** It is unknown whether the server may be believed. */
  | { readonly is: "unsure" }
  /** Whatever the answer, it must not be believed, because of `why`. */
  | { readonly is: "doubtful"; readonly why: string };

/** Rejects when the server does not answer. */
export async function askFor(
  client: Pick<KubeClient, "get">,
  server: ApiServer,
  resource: Resource,
  namespace: string,
  name: string,
): Promise<Answer> {
  try {
    return { is: "there", raw: await client.get(pathOf(resource, namespace, name)) };
  } catch (error) {
    const isForbidden = error instanceof KubeError && error.status === 403;
    if (!isNotFound(error) && !isForbidden) throw error;
    // The server is checked after its answer, so that a server which took its place in between is noticed too.
    const standing = await server.look(resource);
    if (standing === "does not serve the resource")
      return { is: "doubtful", why: `the API server does not let ${resource.plural} be read` };
    if (standing === "other") return { is: "doubtful", why: server.doubt ?? "the API server is another one" };
    return { is: isForbidden || standing === "unknown" ? "unsure" : "gone" };
  }
}
