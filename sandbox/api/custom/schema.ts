// Applies the structural schema of a custom kind (apiextensions.k8s.io/v1, JSONSchemaProps) to a value, in the real
// server's order: fields that the schema does not have are pruned, then nulls that it does not allow, then missing
// fields get their defaults. check.ts decides whether the rest is valid.

import { at, isList, isObject, type Json, type JsonObject, listAt, objectAt, textAt } from "../json.ts";

export interface Pruned {
  readonly value: Json;
  /** Paths of the fields that were removed. */
  readonly unknown: readonly string[];
}

const resourceFields = ["apiVersion", "kind", "metadata"];

/** `value` without the fields that `schema` does not have. The root object's metadata is left alone. */
export function pruned(value: JsonObject, schema: JsonObject): Pruned {
  const unknown: string[] = [];
  return { value: prune(value, { ...schema, "x-kubernetes-embedded-resource": true }, "", unknown), unknown };
}

function prune(value: Json, schema: JsonObject, path: string, unknown: string[]): Json {
  if (isList(value))
    return value.map((item, index) => prune(item, objectAt(schema, "items"), `${path}[${index}]`, unknown));
  if (!isObject(value)) return value;
  const entries: [string, Json][] = [];
  for (const [name, item] of Object.entries(value)) {
    const field = path === "" ? name : `${path}.${name}`;
    const known = schemaOf(schema, name);
    if (item === undefined) continue;
    if (known) {
      if (item !== null || known["nullable"] === true)
        entries.push([name, prune(item, known, field, unknown)]);
    } else if (keepsUnknown(schema, name)) entries.push([name, item]);
    else unknown.push(field);
  }
  return Object.fromEntries(entries);
}

/** The schema of the field `name`; undefined when there is none. */
export function schemaOf(schema: JsonObject, name: string): JsonObject | undefined {
  const embedded = schema["x-kubernetes-embedded-resource"] === true && resourceFields.includes(name);
  const known = embedded ? undefined : (at(schema, "properties", name) ?? schema["additionalProperties"]);
  return isObject(known) ? known : undefined;
}

const keepsUnknown = (schema: JsonObject, name: string): boolean =>
  schema["x-kubernetes-preserve-unknown-fields"] === true ||
  schema["additionalProperties"] === true ||
  (schema["x-kubernetes-embedded-resource"] === true && resourceFields.includes(name));

/** `value` with the schema's defaults where fields are missing. */
export function withSchemaDefaults(value: Json, schema: JsonObject): Json {
  if (isList(value)) return value.map((item) => withSchemaDefaults(item, objectAt(schema, "items")));
  if (!isObject(value)) return value;
  const absent = Object.entries(objectAt(schema, "properties")).flatMap(
    ([name, property]): [string, Json][] => {
      const fallback = isObject(property) ? property["default"] : undefined;
      return value[name] === undefined && fallback !== undefined ? [[name, fallback]] : [];
    },
  );
  const all = { ...value, ...Object.fromEntries(absent) };
  return Object.fromEntries(
    Object.entries(all).map(([name, item]) => {
      const known = schemaOf(schema, name);
      return [name, known && item !== undefined ? withSchemaDefaults(item, known) : item];
    }),
  );
}

const types = ["array", "boolean", "integer", "number", "object", "string"];

/** What keeps `schema` from being structural: each fault as a field and what is wrong with it. */
export function* structuralFaults(
  schema: Json | undefined,
  field: string,
): Generator<readonly [string, string]> {
  const type = textAt(schema, "type");
  const untyped = ["x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"];
  if (type === "" && !untyped.some((mark) => at(schema, mark) === true))
    yield [`${field}.type`, "must not be empty for specified object fields"];
  else if (type !== "" && !types.includes(type))
    yield [`${field}.type`, `must be one of ${types.join(", ")}`];
  for (const [name, property] of Object.entries(objectAt(schema, "properties")))
    yield* structuralFaults(property, `${field}.properties[${name}]`);
  if (type === "array" && !isObject(at(schema, "items"))) yield [`${field}.items`, "must be specified"];
  for (const inner of ["items", "additionalProperties"])
    if (isObject(at(schema, inner))) yield* structuralFaults(at(schema, inner), `${field}.${inner}`);
  if (type === "object" && listAt(schema, "items").length > 0) yield [`${field}.items`, "must be a schema"];
}
