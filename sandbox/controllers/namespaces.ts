// Namespace deletion: deletes everything in a terminating namespace, of every kind that the API offers, waits until all
// of it is gone (pods take their grace period), and then releases the namespace through its subresource `finalize`. A
// new namespace of the same name may exist by then, so the listed objects are deleted only if the namespace is still
// the doomed one.

import type { KubeClient } from "../../src/kube/client.ts";
import { list, record, text, texts } from "../../src/kube/json.ts";
import { pathOf, type Resource } from "../../src/kube/resource.ts";
import { type Kept, rawKinds, rawOf } from "../client/kinds.ts";
import type { Namespace } from "../client/objects.ts";
import { stillThere } from "../client/still-there.ts";
import { type Context, type Controller, keyOf } from "./context.ts";

export function namespaceController({ client, stores: { namespaces, pods } }: Context): Controller {
  return {
    name: "namespace",
    watch: (add) => {
      namespaces.subscribe((changes) => {
        for (const { new: namespace } of changes) if (namespace?.deletionTimestamp) add(keyOf(namespace));
      });
      // Pods take the longest.
      pods.subscribe((changes) => {
        for (const { old, new: now } of changes) if (old && !now) add(`/${old.namespace}`);
      });
    },
    sync: async (_, name) => {
      const namespace = namespaces.get("", name);
      if (namespace?.deletionTimestamp === undefined) return;
      const contents = await contentsOf(client, name);
      if (!(await isStillDoomed(client, namespace))) return;
      await deleteAll(client, contents);
      // The back-off of the queue serves as the wait.
      if (contents.length > 0)
        throw new Error(`namespace ${name}: still has ${contents.map(({ path }) => path).join(", ")}`);
      const finalizers = (namespace.raw.spec?.finalizers ?? []).filter((one) => one !== "kubernetes");
      const freed = { ...namespace.raw, spec: { ...namespace.raw.spec, finalizers } };
      // A conflict means a newer version, which brings the namespace here again.
      await stillThere(() => client.update(pathOf(rawKinds.namespace, "", name, "finalize"), freed));
    },
  };
}

interface Content {
  readonly path: string;
  readonly uid: string;
  readonly leaving: boolean;
}

async function contentsOf(client: KubeClient, namespace: string): Promise<Content[]> {
  const found: Content[] = [];
  for (const resource of await namespacedResources(client)) {
    const { items } = await client.list(pathOf(resource, namespace));
    for (const item of items) {
      const { name, uid, deletionTimestamp } = record(record(item).metadata);
      const path = pathOf(resource, namespace, text(name));
      found.push({ path, uid: text(uid), leaving: text(deletionTimestamp) !== "" });
    }
  }
  return found;
}

/**
 * Asks the API and not the store, after the contents were listed. If it is still doomed, the contents were this
 * namespace's.
 */
async function isStillDoomed(client: KubeClient, { name, uid }: Kept<Namespace>): Promise<boolean> {
  let current: unknown;
  const exists = await stillThere(async () => {
    current = await client.get(pathOf(rawKinds.namespace, "", name));
  });
  return exists && rawOf(rawKinds.namespace, current).metadata.uid === uid;
}

/** By uid, so that a new object under an old name stays. */
async function deleteAll(client: KubeClient, contents: readonly Content[]): Promise<void> {
  for (const { path, uid, leaving } of contents)
    if (!leaving) await stillThere(() => client.delete(path, { uid }));
}

/** Every namespaced kind that can be listed and deleted, according to the API's discovery. */
async function namespacedResources(client: KubeClient): Promise<Resource[]> {
  const groups = list(record(await client.get("/apis")).groups);
  const versions = groups.map((group) => text(record(record(group).preferredVersion).groupVersion));
  const prefixes = ["/api/v1", ...versions.map((version) => `/apis/${version}`)];
  const found = await Promise.all(
    prefixes.map(async (prefix) =>
      list(record(await client.get(prefix)).resources)
        .map(record)
        .filter(({ namespaced, verbs }) => namespaced === true && hasAll(texts(verbs), ["list", "delete"]))
        .map(({ name }): Resource => ({ prefix, plural: text(name), namespaced: true })),
    ),
  );
  return found.flat();
}

const hasAll = (verbs: readonly string[], wanted: readonly string[]): boolean =>
  wanted.every((verb) => verbs.includes(verb));
