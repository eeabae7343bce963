// Writes the status of a workload if it has changed.

import { isDeepStrictEqual } from "node:util";
import type { KubeClient } from "../../src/kube/client.ts";
import { record } from "../../src/kube/json.ts";
import type { Watchable } from "../../src/kube/kinds.ts";
import { pathOf } from "../../src/kube/resource.ts";
import { type Kept, rawOf } from "../client/kinds.ts";
import type { Raw } from "../client/objects.ts";
import { stillThere } from "../client/still-there.ts";

/** @returns the resourceVersion after the write; undefined when there was nothing to write, or the object is gone. */
export async function setStatus<T extends Raw & { readonly status?: object }>(
  client: KubeClient,
  kind: Watchable<Kept<T>>,
  { raw, namespace, name, uid }: Kept<T>,
  status: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const known = record(raw.status);
  if (Object.entries(status).every(([key, value]) => isDeepStrictEqual(known[key], value))) return undefined;
  const patch = { metadata: { uid }, status };
  const path = pathOf(kind, namespace, name, "status");
  let version: string | undefined;
  await stillThere(async () => {
    version = rawOf(kind, await client.patch(path, patch)).metadata.resourceVersion;
  });
  return version;
}
