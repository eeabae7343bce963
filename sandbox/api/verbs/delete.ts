// DELETE. An object is removed at once unless something still has to happen first: finalizers to run, a namespace to
// empty, a pod's processes to end. Then it is marked, and the write that completes the last of these removes it.

import type { Cluster } from "../cluster.ts";
import { type JsonObject, listAt, numberAt, objectAt, textAt } from "../json.ts";
import type { Kind } from "../kinds/kind.ts";
import { immortalNamespaces, namespaces } from "../kinds/namespace.ts";
import { pods } from "../kinds/pod.ts";
import { type KubeObject, timeText, withMetadata } from "../objects.ts";
import { badRequest, conflict, forbidden, successStatus } from "../status.ts";
import type { Entry } from "../store/shelf.ts";

/** The finalizers by which the garbage collector recognises owners, with Kubernetes' names. */
export const ownerFinalizers = { foreground: "foregroundDeletion", orphan: "orphan" } as const;

export interface DeleteOptions {
  readonly graceSeconds: number | undefined;
  readonly propagation: "Background" | "Foreground" | "Orphan";
  readonly uid: string;
  readonly resourceVersion: string;
  readonly dryRun: boolean;
}

/** Options come in the body, and some of them alternatively in the query. */
export function deleteOptionsOf(body: JsonObject, query: URLSearchParams): DeleteOptions {
  const grace = query.get("gracePeriodSeconds");
  const propagation = textAt(body, "propagationPolicy") || query.get("propagationPolicy") || "Background";
  if (propagation !== "Background" && propagation !== "Foreground" && propagation !== "Orphan")
    throw badRequest(`propagationPolicy may be Background, Foreground or Orphan, not ${propagation}`);
  return {
    graceSeconds: numberAt(body, "gracePeriodSeconds") ?? (grace === null ? undefined : Number(grace)),
    propagation,
    uid: textAt(body, "preconditions", "uid"),
    resourceVersion: textAt(body, "preconditions", "resourceVersion"),
    dryRun: listAt(body, "dryRun").includes("All") || query.getAll("dryRun").includes("All"),
  };
}

/** Deletes, or begins to. Returns the object while it stays (a pod always), otherwise a Status of success. */
export function remove(cluster: Cluster, kind: Kind, entry: Entry, options: DeleteOptions): JsonObject {
  checkPreconditions(kind, entry.object, options);
  if (kind === namespaces && immortalNamespaces.includes(entry.object.metadata.name))
    throw forbidden(kind, entry.object.metadata.name, "this namespace may not be deleted");
  const marked = markedForDeletion(cluster, kind, entry.object, options);
  const gone = leavesNow(marked);
  const result =
    options.dryRun || (marked === entry.object && !gone)
      ? marked
      : settle(cluster, kind, entry, marked, gone);
  return gone && kind !== pods ? successStatus(kind, result.metadata.name, result.metadata.uid) : result;
}

const settle = (cluster: Cluster, kind: Kind, entry: Entry, marked: KubeObject, gone: boolean): KubeObject =>
  gone ? cluster.store.remove(kind, entry).object : cluster.store.replace(kind, entry, marked).object;

function checkPreconditions(
  kind: Kind,
  { metadata }: KubeObject,
  { uid, resourceVersion }: DeleteOptions,
): void {
  const failed = (what: string, wanted: string, found: string): Error =>
    conflict(
      kind,
      metadata.name,
      `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`,
    );
  if (uid !== "" && uid !== metadata.uid) throw failed("UID", uid, metadata.uid);
  if (resourceVersion !== "" && resourceVersion !== metadata.resourceVersion)
    throw failed("ResourceVersion", resourceVersion, metadata.resourceVersion);
}

/** The object as marked by its deletion. Returns the same object when it was marked before and no grace gets shorter. */
function markedForDeletion(
  cluster: Cluster,
  kind: Kind,
  object: KubeObject,
  options: DeleteOptions,
): KubeObject {
  const { metadata } = object;
  const grace = kind === pods ? podGraceSeconds(object, options.graceSeconds) : 0;
  const before = metadata.deletionGracePeriodSeconds ?? 0;
  if (metadata.deletionTimestamp !== undefined && grace >= before) return object;
  const finalizer = options.propagation === "Background" ? [] : [finalizerOf[options.propagation]];
  const finalizers = [
    ...(metadata.finalizers ?? []),
    ...(metadata.deletionTimestamp === undefined ? finalizer : []),
  ];
  const marked = withMetadata(object, {
    deletionTimestamp: timeText(cluster.clock() + grace * 1000),
    deletionGracePeriodSeconds: grace,
    ...(finalizers.length > 0 && { finalizers }),
  });
  return kind === namespaces
    ? { ...marked, status: { ...objectAt(object, "status"), phase: "Terminating" } }
    : marked;
}

const finalizerOf = { Foreground: ownerFinalizers.foreground, Orphan: ownerFinalizers.orphan } as const;

/** A pod without a node, or one that has finished, has no processes to wait for. */
function podGraceSeconds(pod: KubeObject, asked: number | undefined): number {
  const idle =
    textAt(pod, "spec", "nodeName") === "" ||
    ["Succeeded", "Failed"].includes(textAt(pod, "status", "phase"));
  if (idle) return 0;
  const grace = asked ?? numberAt(pod, "spec", "terminationGracePeriodSeconds") ?? 30;
  return Math.max(0, grace);
}

export const isLeaving = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;

/** Whether nothing holds a marked object any longer. Only namespaces have finalizers in their specification. */
export const leavesNow = (object: KubeObject): boolean =>
  (object.metadata.finalizers ?? []).length === 0 &&
  (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  (object.kind !== "Namespace" || listAt(object, "spec", "finalizers").length === 0);
