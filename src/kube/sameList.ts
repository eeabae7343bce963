// How far a watch has come. The watch itself says so only when something happens, or about once a minute. So a fresh
// list is compared with what the watch has brought: when both are the same, everything up to the list's version is
// known.

import type { KubeClient } from "./client.ts";
import { record, text } from "./json.ts";
import type { ObjectMeta } from "./objects.ts";
import { pathOf, type Resource } from "./resource.ts";

const pageSize = 500;

export interface SameListOptions {
  readonly client: Pick<KubeClient, "list">;
  readonly resource: Resource;
  /** "" for all. */
  readonly namespace: string;
  /** "" for all. */
  readonly name: string;
  /** What the watch has brought of that. Read after the list, so that it may be newer. */
  readonly held: () => Iterable<ObjectMeta>;
  readonly signal: AbortSignal;
}

/** The version of a list that contains exactly what is held; undefined when they differ. */
export async function sameListVersion(options: SameListOptions): Promise<string | undefined> {
  const { client, resource, namespace, name, held, signal } = options;
  const fieldSelector = name === "" ? undefined : `metadata.name=${name}`;
  const listed = new Map<string, string>();
  let cursor = "";
  let version = "";
  do {
    const query = { limit: pageSize, continue: cursor || undefined, fieldSelector };
    const page = await client.list(pathOf(resource, namespace), { query, signal });
    for (const item of page.items) {
      const { metadata } = record(item);
      const { namespace: where, name: called, resourceVersion } = record(metadata);
      listed.set(`${text(where)}/${text(called)}`, text(resourceVersion));
    }
    // A later page may show a later state, if the server could not keep the first one's.
    version ||= page.resourceVersion;
    cursor = page.continue;
  } while (cursor !== "");
  for (const object of held()) {
    const key = `${object.namespace}/${object.name}`;
    if (listed.get(key) !== object.resourceVersion) return undefined;
    listed.delete(key);
  }
  return listed.size === 0 ? version : undefined;
}
