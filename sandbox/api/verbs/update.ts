// PUT and PATCH, of an object or one of its subresources. Optimistic locking: a resourceVersion or uid from the client
// must equal the stored one. A write that changes nothing gives no new resourceVersion and no event.

import type { Cluster } from "../cluster.ts";
import { at, type Json, type JsonObject, objectAt, sameJson, textAt, without } from "../json.ts";
import { hasStatus, type Kind } from "../kinds/kind.ts";
import { asKubeObject, type KubeObject, withMetadata } from "../objects.ts";
import { patched } from "../patch/patch.ts";
import { badRequest, conflict, notFound, staleObject } from "../status.ts";
import type { Entry } from "../store/shelf.ts";
import { isLeaving, leavesNow } from "./delete.ts";
import type { WriteOptions } from "./options.ts";
import { completed, decodeBody, specificationOf } from "./prepare.ts";

export type Part = "" | "status" | "finalize" | "ephemeralcontainers";

export function entryOf(cluster: Cluster, kind: Kind, namespace: string, name: string): Entry {
  const entry = cluster.store.get(kind, namespace, name);
  if (!entry) throw notFound(kind, name);
  return entry;
}

export function replace(
  cluster: Cluster,
  kind: Kind,
  entry: Entry,
  part: Part,
  body: JsonObject,
  options: WriteOptions,
): KubeObject {
  const decoded = decodeBody(kind, body, options);
  const { name, namespace } = entry.object.metadata;
  const given = textAt(decoded, "metadata", "name") || name;
  if (given !== name)
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  const next = withPart(kind, entry.object, part, decoded, namespace);
  requireUid(kind, entry.object, next.metadata.uid);
  return write(cluster, kind, entry, next, options);
}

/** The uid in a replacement is a condition; in a patch it is a field like another, and immutable (checkMetadataUpdate). */
export function requireUid(kind: Kind, { metadata }: KubeObject, uid: string): void {
  if (uid === metadata.uid) return;
  const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
  throw conflict(kind, metadata.name, why);
}

export function patch(
  cluster: Cluster,
  kind: Kind,
  entry: Entry,
  part: Part,
  change: { readonly body: Json; readonly contentType: string },
  options: WriteOptions,
): KubeObject {
  const decoded = decodeBody(kind, patched(entry.object, kind, change.body, change.contentType), options);
  return write(
    cluster,
    kind,
    entry,
    withPart(kind, entry.object, part, decoded, entry.object.metadata.namespace),
    options,
  );
}

/** The stored object, with the part that this request may write taken from `incoming`. */
function withPart(
  kind: Kind,
  old: KubeObject,
  part: Part,
  incoming: JsonObject,
  namespace: string | undefined,
): KubeObject {
  const { resourceVersion, uid, ...metadata } = objectAt(incoming, "metadata");
  const claims = {
    uid: typeof uid === "string" && uid !== "" ? uid : old.metadata.uid,
    resourceVersion: typeof resourceVersion === "string" ? resourceVersion : "",
  };
  if (part === "status") return { ...withMetadata(old, claims), status: incoming["status"] };
  if (part === "finalize") return { ...withMetadata(old, claims), spec: incoming["spec"] };
  const ephemeral = ephemeralOf(part === "ephemeralcontainers" ? incoming : old);
  if (part === "ephemeralcontainers")
    return { ...withMetadata(old, claims), spec: { ...objectAt(old, "spec"), ...ephemeral } };
  return asKubeObject({
    ...incoming,
    ...(kind.subresources.includes("ephemeralcontainers") && {
      spec: { ...without(objectAt(incoming, "spec"), "ephemeralContainers"), ...ephemeral },
    }),
    metadata: {
      ...metadata,
      ...claims,
      name: old.metadata.name,
      namespace: textAt(metadata, "namespace") || namespace,
      creationTimestamp: old.metadata.creationTimestamp,
      generation: old.metadata.generation,
      deletionTimestamp: old.metadata.deletionTimestamp,
      deletionGracePeriodSeconds: old.metadata.deletionGracePeriodSeconds,
    },
    ...(hasStatus(kind) && { status: old["status"] }),
  });
}

function ephemeralOf(object: JsonObject): JsonObject {
  const ephemeralContainers = at(object, "spec", "ephemeralContainers");
  return ephemeralContainers === undefined ? {} : { ephemeralContainers };
}

/** Checks and stores the next state of `entry`. Also completes a deletion that only waited for this write. */
export function write(
  cluster: Cluster,
  kind: Kind,
  entry: Entry,
  next: KubeObject,
  options: WriteOptions,
): KubeObject {
  const old = entry.object;
  const { name, resourceVersion } = next.metadata;
  if (!["", "0", old.metadata.resourceVersion].includes(resourceVersion)) throw staleObject(kind, name);
  const object = completed(
    cluster,
    kind,
    withMetadata(next, { resourceVersion: old.metadata.resourceVersion }),
    old,
  );
  if (sameJson(object, old)) return old;
  const counted =
    kind.tracksGeneration && !sameJson(specificationOf(object), specificationOf(old))
      ? withMetadata(object, { generation: (old.metadata.generation ?? 0) + 1 })
      : object;
  if (options.dryRun) return counted;
  const stored = cluster.store.replace(kind, entry, counted);
  if (isLeaving(stored.object) && leavesNow(stored.object)) cluster.store.remove(kind, stored);
  return stored.object;
}
