// Everything of a kind that the API server has, once.

import type { KubeClient } from "../kube/client.ts";
import { Interner } from "../kube/intern.ts";
import type { Watchable } from "../kube/kinds.ts";
import type { ObjectMeta } from "../kube/objects.ts";
import { pathOf } from "../kube/resource.ts";

const pageSize = 500;

export async function listAll<T extends ObjectMeta>(
  client: KubeClient,
  kind: Watchable<T>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const intern = new Interner();
  const objects: T[] = [];
  let next = "";
  do {
    const query = { limit: pageSize, continue: next === "" ? undefined : next };
    const page = await client.list(pathOf(kind), { query, signal });
    objects.push(...page.items.flatMap((item) => kind.project(item, intern) ?? []));
    next = page.continue;
  } while (next !== "");
  return objects;
}
