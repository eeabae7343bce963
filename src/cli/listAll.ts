// Lists all objects of a kind once; none if the kind is optional and the API server lacks it.

import type { KubeClient } from "../kube/client.ts";
import { isNotFound } from "../kube/error.ts";
import { Interner } from "../kube/intern.ts";
import type { Watchable } from "../kube/kinds.ts";
import type { ObjectMeta } from "../kube/objects.ts";
import { pathOf, type Resource } from "../kube/resource.ts";

const pageSize = 500;

export async function listAll<T extends ObjectMeta>(
  client: KubeClient,
  kind: Resource & Pick<Watchable<T>, "project" | "optional">,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const intern = new Interner();
  const objects: T[] = [];
  let next = "";
  do {
    const query = { limit: pageSize, continue: next === "" ? undefined : next };
    const page = await client.list(pathOf(kind), { query, signal }).catch((error: unknown) => {
      if (kind.optional && isNotFound(error)) return undefined;
      throw error;
    });
    if (!page) return [];
    objects.push(...page.items.flatMap((item) => kind.project(item, intern) ?? []));
    next = page.continue;
  } while (next !== "");
  return objects;
}
