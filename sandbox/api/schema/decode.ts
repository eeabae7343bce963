// Checks a JSON body against the schema. Wrong types are refused, as Go's decoder would; nulls are dropped, because
// Kubernetes treats a null as an absent field; unknown fields are reported, and the caller decides about them.

import { isList, isObject, type Json, type JsonObject, printed } from "../json.ts";
import { badRequest } from "../status.ts";
import { type Field, type MessageType, schema } from "./schema.ts";

export interface Decoded {
  readonly object: JsonObject;
  /** Paths of fields the schema does not have; they are not part of `object`. */
  readonly unknown: readonly string[];
}

/** Throws BadRequest with the field's path where a value has the wrong type. */
export function decodeObject(value: JsonObject, type: MessageType): Decoded {
  const unknown: string[] = [];
  const { apiVersion, kind, ...fields } = value;
  const object = decodeMessage(fields, type, "", unknown);
  return { object: { apiVersion, kind, ...object }, unknown };
}

function decodeMessage(value: JsonObject, type: MessageType, path: string, unknown: string[]): JsonObject {
  const entries: [string, Json][] = [];
  for (const [name, item] of Object.entries(value)) {
    const field = type.byName.get(name);
    const at = path === "" ? name : `${path}.${name}`;
    if (!field) unknown.push(at);
    else if (item !== null && item !== undefined) entries.push([name, decodeField(item, field, at, unknown)]);
  }
  return Object.fromEntries(entries);
}

function decodeField(value: Json, field: Field, path: string, unknown: string[]): Json {
  if (field.shape === "list") {
    if (!isList(value)) throw wrongType(path, `a list of ${field.type}`, value);
    return value.map((item, index) => decodeValue(item, field.type, `${path}[${index}]`, unknown));
  }
  if (field.shape === "map") {
    if (!isObject(value)) throw wrongType(path, `a map of ${field.type}`, value);
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(
      entries.map(([key, item]) => [key, decodeValue(item ?? null, field.type, `${path}.${key}`, unknown)]),
    );
  }
  return decodeValue(value, field.type, path, unknown);
}

function decodeValue(value: Json, typeName: string, path: string, unknown: string[]): Json {
  const type = schema.get(typeName);
  if (type) {
    if (!isObject(value)) throw wrongType(path, typeName, value);
    return decodeMessage(value, type, path, unknown);
  }
  const right = scalars[typeName];
  if (right && !right(value)) throw wrongType(path, typeName, value);
  return typeName === "Quantity" ? printed(value) : value;
}

const scalars: Readonly<Record<string, (value: Json) => boolean>> = {
  string: (value) => typeof value === "string",
  bool: (value) => typeof value === "boolean",
  int: (value) => Number.isSafeInteger(value),
  bytes: (value) => typeof value === "string" && isBase64(value),
  Time: (value) => typeof value === "string" && isTime(value),
  MicroTime: (value) => typeof value === "string" && isTime(value),
  Quantity: (value) => typeof value === "number" || (typeof value === "string" && isQuantity(value)),
  IntOrString: (value) => Number.isSafeInteger(value) || typeof value === "string",
};

const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);

const isTime = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text) &&
  !Number.isNaN(Date.parse(text));

const isQuantity = (text: string): boolean =>
  /^[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.test(text);

const wrongType = (path: string, wanted: string, got: Json): Error =>
  badRequest(
    `json: cannot unmarshal ${JSON.stringify(got).slice(0, 60)} into field ${path} of type ${wanted}`,
  );
