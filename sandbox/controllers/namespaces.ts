// Namespace deletion: deletes everything in a terminating namespace, of every kind that the API offers, waits until all
// is gone (pods take their grace), and then gives the namespace free through its subresource `finalize`.

import type { KubeClient } from "../../src/kube/client.ts";
import { list, record, text, texts } from "../../src/kube/json.ts";
import { pathOf, type Resource } from "../../src/kube/resource.ts";
import { rawKinds } from "../client/kinds.ts";
import { stillThere } from "../client/still-there.ts";
import { type Context, type Controller, keyOf } from "./context.ts";

export function namespaceController({ client, stores: { namespaces, pods } }: Context): Controller {
  return {
    name: "namespace",
    watch: (add) => {
      namespaces.subscribe((changes) => {
        for (const { new: namespace } of changes) if (namespace?.deletionTimestamp) add(keyOf(namespace));
      });
      // Pods are what takes long.
      pods.subscribe((changes) => {
        for (const { old, new: now } of changes) if (old && !now) add(`/${old.namespace}`);
      });
    },
    sync: async (_, name) => {
      const namespace = namespaces.get("", name);
      if (namespace?.deletionTimestamp === undefined) return;
      const left = await deleteContents(client, name);
      // The back-off of the queue is the wait.
      if (left.length > 0) throw new Error(`namespace ${name}: still has ${left.join(", ")}`);
      const finalizers = (namespace.raw.spec?.finalizers ?? []).filter((one) => one !== "kubernetes");
      const freed = { ...namespace.raw, spec: { ...namespace.raw.spec, finalizers } };
      // A conflict is a newer version, which brings the namespace here again.
      await stillThere(() => client.update(pathOf(rawKinds.namespace, "", name, "finalize"), freed));
    },
  };
}

/** Asks for the deletion of all that is there. Returns what was there, by name. */
async function deleteContents(client: KubeClient, namespace: string): Promise<string[]> {
  const found: string[] = [];
  for (const resource of await namespacedResources(client)) {
    const { items } = await client.list(pathOf(resource, namespace));
    for (const item of items) {
      const metadata = record(record(item).metadata);
      const name = text(metadata.name);
      found.push(`${resource.plural}/${name}`);
      if (text(metadata.deletionTimestamp) !== "") continue;
      await stillThere(() => client.delete(pathOf(resource, namespace, name), { uid: text(metadata.uid) }));
    }
  }
  return found;
}

/** Every kind of namespaced object that can be listed and deleted, by the API's own discovery. */
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
