// The common part of creating and updating: turns a client's body into a checked object of its kind.

import { Causes } from "../causes.ts";
import type { Cluster } from "../cluster.ts";
import { type JsonObject, objectAt, textAt, without } from "../json.ts";
import { apiVersionOf, type Kind } from "../kinds/kind.ts";
import { services } from "../kinds/service.ts";
import { allocated } from "../kinds/service-addresses.ts";
import type { KubeObject } from "../objects.ts";
import { badRequest, invalid } from "../status.ts";
import { checkMetadata, checkMetadataUpdate } from "../validate/metadata.ts";
import type { WriteOptions } from "./options.ts";

/** `body` as an object of `kind`, its metadata still as the client wrote it. */
export function decodeBody(kind: Kind, body: JsonObject, options: WriteOptions): JsonObject {
  const apiVersion = textAt(body, "apiVersion") || apiVersionOf(kind);
  const name = textAt(body, "kind") || kind.kind;
  if (apiVersion !== apiVersionOf(kind) || name !== kind.kind)
    throw badRequest(
      `the API version in the data (${apiVersion}, kind ${name}) does not match the expected API version (${apiVersionOf(kind)}, kind ${kind.kind})`,
    );
  const typed = { ...body, apiVersion, kind: name };
  const { object, unknown } = kind.decode(typed);
  const complaints = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (complaints.length > 0 && options.unknownFields === "Strict")
    throw badRequest(`strict decoding error: ${complaints.join(", ")}`);
  if (options.unknownFields === "Warn") for (const complaint of complaints) options.warn(complaint);
  return { ...object, metadata: without(objectAt(object, "metadata"), "managedFields", "selfLink") };
}

/** Fills in defaults and addresses and checks every rule of the kind; throws Invalid with all causes. */
export function completed(
  cluster: Cluster,
  kind: Kind,
  object: KubeObject,
  old: KubeObject | undefined,
): KubeObject {
  const causes = new Causes();
  checkMetadata(kind, object, causes);
  if (old) checkMetadataUpdate(object.metadata, old.metadata, causes);
  const filled = kind.defaults(object);
  kind.validate(filled, causes);
  const result = kind === services ? withAddresses(cluster, filled, old, causes) : filled;
  if (old) kind.validateUpdate(result, old, causes);
  if (causes.list.length > 0) throw invalid(kind, object.metadata.name, causes.list);
  return result;
}

function withAddresses(
  cluster: Cluster,
  service: KubeObject,
  old: KubeObject | undefined,
  causes: Causes,
): KubeObject {
  const others = cluster.store
    .shelf(services)
    .range("")
    .map((entry) => entry.object);
  const uid = old?.metadata.uid;
  return allocated(
    service,
    old,
    others.filter((other) => other.metadata.uid !== uid),
    cluster.addresses,
    causes,
  );
}

/** The parts of `object` that make up its specification: everything but metadata and status. */
export const specificationOf = (object: KubeObject): JsonObject => without(object, "metadata", "status");
