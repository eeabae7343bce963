// POST: gives a new object its identity. From the check that the name is free to the write everything is synchronous,
// so two requests cannot both pass the check.

import { randomInt } from "node:crypto";
import { Causes } from "../causes.ts";
import { type Cluster, newUid } from "../cluster.ts";
import { type JsonObject, objectAt, textAt, without } from "../json.ts";
import type { Kind } from "../kinds/kind.ts";
import { namespaces } from "../kinds/namespace.ts";
import { asKubeObject, type KubeObject, type ObjectMeta, timeText } from "../objects.ts";
import { alreadyExists, badRequest, forbidden, invalid, notFound } from "../status.ts";
import type { WriteOptions } from "./options.ts";
import { completed, decodeBody } from "./prepare.ts";

const attempts = 8;
/** The alphabet of generated name suffixes: no vowels, so no words (k8s.io/apimachinery, pkg/util/rand). */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** Stores the object in `body`, or throws. With dryRun it only returns what would be stored. */
export function create(
  cluster: Cluster,
  kind: Kind,
  namespace: string,
  body: JsonObject,
  options: WriteOptions,
): KubeObject {
  const decoded = decodeBody(kind, body, options);
  const metadata = objectAt(decoded, "metadata");
  const ownNamespace = textAt(metadata, "namespace") || namespace;
  if (ownNamespace !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  if (textAt(metadata, "resourceVersion") !== "")
    throw badRequest("resourceVersion should not be set on objects to be created");
  if (kind.namespaced) checkNamespace(cluster, kind, namespace, textAt(metadata, "name"));
  const name =
    textAt(metadata, "name") || generatedName(cluster, kind, namespace, textAt(metadata, "generateName"));
  const fresh: ObjectMeta = {
    ...without(metadata, "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion"),
    name,
    ...(kind.namespaced && { namespace }),
    uid: newUid(),
    resourceVersion: "",
    creationTimestamp: timeText(cluster.clock()),
    ...(kind.tracksGeneration && { generation: 1 }),
  };
  const object = completed(
    cluster,
    kind,
    kind.prepareCreate(asKubeObject({ ...decoded, metadata: fresh })),
    undefined,
  );
  if (cluster.store.get(kind, namespace, name)) throw alreadyExists(kind, name);
  return options.dryRun ? object : cluster.store.create(kind, object).object;
}

function checkNamespace(cluster: Cluster, kind: Kind, namespace: string, name: string): void {
  const found = cluster.store.get(namespaces, "", namespace);
  if (!found) throw notFound(namespaces, namespace);
  if (found.object.metadata.deletionTimestamp !== undefined)
    throw forbidden(
      kind,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
}

function generatedName(cluster: Cluster, kind: Kind, namespace: string, prefix: string): string {
  if (prefix === "") {
    const causes = new Causes();
    causes.required("metadata.name", "name or generateName is required");
    throw invalid(kind, "", causes.list);
  }
  for (let attempt = 0; attempt < attempts; attempt++) {
    const suffix = Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join("");
    const name = prefix.slice(0, 58) + suffix;
    if (!cluster.store.get(kind, namespace, name)) return name;
  }
  throw alreadyExists(kind, prefix);
}
