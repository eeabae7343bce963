// The subresources that are views of an object rather than parts of it: a workload's scale, a pod's binding.

import type { Cluster } from "../cluster.ts";
import { isObject, type Json, type JsonObject, numberAt, objectAt, textAt, textMapAt } from "../json.ts";
import type { Kind } from "../kinds/kind.ts";
import { boundTo } from "../kinds/pod.ts";
import { type KubeObject, timeText, withMetadata } from "../objects.ts";
import { jsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge-patch.ts";
import { patchTypes } from "../patch/patch.ts";
import { badRequest, conflict, successStatus, unsupportedMediaType } from "../status.ts";
import type { Entry } from "../store/shelf.ts";
import { labelsText } from "../tables/service.ts";
import type { WriteOptions } from "./options.ts";
import { requireUid, write } from "./update.ts";

/** autoscaling/v1 Scale of a Deployment or ReplicaSet. */
export function scaleOf(object: KubeObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = textMapAt(object, "spec", "selector", "matchLabels");
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object, "spec", "replicas") ?? 0 },
    status: { replicas: numberAt(object, "status", "replicas") ?? 0, selector: labelsText(selector) },
  };
}

export function replaceScale(
  cluster: Cluster,
  kind: Kind,
  entry: Entry,
  scale: JsonObject,
  options: WriteOptions,
): JsonObject {
  const replicas = numberAt(scale, "spec", "replicas");
  if (replicas === undefined) throw badRequest("a Scale needs spec.replicas");
  const claims = {
    resourceVersion: textAt(scale, "metadata", "resourceVersion"),
    uid: textAt(scale, "metadata", "uid") || entry.object.metadata.uid,
  };
  requireUid(kind, entry.object, claims.uid);
  const next = {
    ...withMetadata(entry.object, claims),
    spec: { ...objectAt(entry.object, "spec"), replicas },
  };
  return scaleOf(write(cluster, kind, entry, next, options));
}

export function patchScale(
  cluster: Cluster,
  kind: Kind,
  entry: Entry,
  change: { readonly body: Json; readonly contentType: string },
  options: WriteOptions,
): JsonObject {
  const scale = scaleOf(entry.object);
  if (change.contentType === patchTypes.json)
    return replaceScale(cluster, kind, entry, jsonPatch(scale, change.body), options);
  if (change.contentType !== patchTypes.merge || !isObject(change.body))
    throw unsupportedMediaType(change.contentType, [patchTypes.json, patchTypes.merge]);
  return replaceScale(cluster, kind, entry, mergePatch(scale, change.body), options);
}

/** A scheduler's decision: v1 Binding with the node as its target. A pod is bound once. */
export function bind(
  cluster: Cluster,
  kind: Kind,
  entry: Entry,
  binding: JsonObject,
  options: WriteOptions,
): JsonObject {
  const { name, uid, deletionTimestamp } = entry.object.metadata;
  const node = textAt(binding, "target", "name");
  if (node === "") throw badRequest("a Binding needs target.name");
  const bound = textAt(entry.object, "spec", "nodeName");
  if (bound !== "") throw conflict(kind, name, `pod ${name} is already assigned to node "${bound}"`);
  if (deletionTimestamp !== undefined)
    throw conflict(kind, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  const next = boundTo(entry.object, node, timeText(cluster.clock()));
  if (!options.dryRun) cluster.store.replace(kind, entry, next);
  return { ...successStatus(kind, name, uid), code: 201 };
}
