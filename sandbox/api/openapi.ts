// OpenAPI v3 documents, one for each group and version. `kubectl apply` looks for a PATCH operation of the kind that
// takes `fieldValidation` and `dryRun`, and if there is one, leaves validation to the server. `kubectl explain` reads
// the schemas.

import { type JsonObject, objectAt } from "./json.ts";
import type { Kind } from "./kinds/kind.ts";
import { type Field, type MessageType, schema } from "./schema/schema.ts";

export function openApiOf(members: readonly Kind[]): JsonObject {
  const types = new Map<string, MessageType>();
  for (const kind of members) if (kind.type) gather(kind.type, types);
  const gvks = new Map(members.map((kind) => [kind.kind, gvkOf(kind)]));
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1.32.0" },
    paths: Object.fromEntries(
      members.map((kind) => [pathOf(kind), { parameters: [], patch: patchOperation(kind) }]),
    ),
    components: {
      schemas: Object.fromEntries([
        ...[...types].map(([name, type]) => [schemaName(name), schemaOf(type, gvks.get(name))]),
        ...members.flatMap((kind) => (kind.openApi ? [[schemaName(kind.kind), customSchemaOf(kind)]] : [])),
      ]),
    },
  };
}

const gvkOf = ({ group, version, kind }: Kind): JsonObject => ({ group, version, kind });

const pathOf = ({ group, version, plural, namespaced }: Kind): string =>
  `${group === "" ? "/api" : `/apis/${group}`}/${version}/${namespaced ? "namespaces/{namespace}/" : ""}${plural}/{name}`;

function patchOperation(kind: Kind): JsonObject {
  const parameter = (name: string): JsonObject => ({
    name,
    in: "query",
    schema: { type: "string", uniqueItems: true },
  });
  return {
    operationId: `patch${kind.kind}`,
    parameters: [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")],
    requestBody: {
      content: { "application/merge-patch+json": { schema: { type: "object" } } },
      required: true,
    },
    responses: { "200": { description: "OK" } },
    "x-kubernetes-action": "patch",
    "x-kubernetes-group-version-kind": gvkOf(kind),
  };
}

function gather(type: MessageType, types: Map<string, MessageType>): void {
  if (types.has(type.name)) return;
  types.set(type.name, type);
  for (const field of type.byName.values()) {
    const child = schema.get(field.type);
    if (child) gather(child, types);
  }
}

const schemaName = (type: string): string => `io.weft.sandbox.${type}`;

function schemaOf(type: MessageType, gvk: JsonObject | undefined): JsonObject {
  const fields = [...type.byName.values()].map((field) => [field.name, fieldSchema(field)]);
  const typeMeta = gvk && { apiVersion: { type: "string" }, kind: { type: "string" } };
  return {
    type: "object",
    properties: { ...typeMeta, ...Object.fromEntries(fields) },
    ...(gvk && { "x-kubernetes-group-version-kind": [gvk] }),
  };
}

function customSchemaOf(kind: Kind): JsonObject {
  const standard = { apiVersion: { type: "string" }, kind: { type: "string" }, metadata: { type: "object" } };
  return {
    ...kind.openApi,
    properties: { ...objectAt(kind.openApi, "properties"), ...standard },
    "x-kubernetes-group-version-kind": [gvkOf(kind)],
  };
}

function fieldSchema({ type, shape }: Field): JsonObject {
  const one: JsonObject = schema.has(type)
    ? { allOf: [{ $ref: `#/components/schemas/${schemaName(type)}` }] }
    : (scalars[type] ?? {});
  if (shape === "list") return { type: "array", items: one };
  return shape === "map" ? { type: "object", additionalProperties: one } : one;
}

const scalars: Readonly<Record<string, JsonObject>> = {
  string: { type: "string" },
  bool: { type: "boolean" },
  int: { type: "integer" },
  bytes: { type: "string", format: "byte" },
  Time: { type: "string", format: "date-time" },
  MicroTime: { type: "string", format: "date-time" },
  Quantity: { type: "string" },
  IntOrString: { type: "string", format: "int-or-string" },
};
