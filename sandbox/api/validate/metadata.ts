// The metadata that every kind has: names, labels, annotations, finalizers, owners, and what must not change.

import type { Causes } from "../causes.ts";
import { sameJson } from "../json.ts";
import type { Kind } from "../kinds/kind.ts";
import type { KubeObject, ObjectMeta } from "../objects.ts";
import { checkLabels } from "./fields.ts";
import { isQualifiedName } from "./names.ts";

/** All annotations of an object together, keys and values. */
const maxAnnotationBytes = 256 * 1024;

export function checkMetadata(kind: Kind, { metadata }: KubeObject, causes: Causes): void {
  const wrongName = kind.nameRule(metadata.name);
  if (wrongName) causes.invalid("metadata.name", metadata.name, wrongName);
  checkLabels(causes, "metadata.labels", metadata.labels);
  checkAnnotations(metadata.annotations ?? {}, causes);
  for (const finalizer of metadata.finalizers ?? []) {
    const wrong = isQualifiedName(finalizer);
    if (wrong) causes.invalid("metadata.finalizers", finalizer, wrong);
  }
  for (const [index, owner] of (metadata.ownerReferences ?? []).entries())
    for (const field of ["apiVersion", "kind", "name", "uid"])
      if (!owner[field])
        causes.invalid(`metadata.ownerReferences[${index}].${field}`, "", "must not be empty");
}

function checkAnnotations(annotations: Readonly<Record<string, string>>, causes: Causes): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    const wrong = isQualifiedName(key.toLowerCase());
    if (wrong) causes.invalid("metadata.annotations", key, wrong);
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > maxAnnotationBytes)
    causes.invalid("metadata.annotations", bytes, `must have at most ${maxAnnotationBytes} bytes`);
}

const immutable = ["name", "namespace", "uid", "creationTimestamp"] as const;

/** No finalizers may be added once the deletion has begun: whatever would remove them may already be gone. */
export function checkMetadataUpdate(now: ObjectMeta, old: ObjectMeta, causes: Causes): void {
  for (const field of immutable)
    if (!sameJson(now[field], old[field]))
      causes.invalid(`metadata.${field}`, now[field], "field is immutable");
  if (old.deletionTimestamp === undefined) return;
  const added = (now.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer));
  if (added.length > 0)
    causes.forbidden(
      "metadata.finalizers",
      `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
    );
}
