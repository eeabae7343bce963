// Checks a custom object against its schema, with the real server's messages (k8s.io/kube-openapi, pkg/validation).
// x-kubernetes-validations (CEL) are not evaluated: what only they forbid is allowed here.

import { Causes } from "../causes.ts";
import {
  at,
  isList,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  printed,
  sameJson,
  textAt,
} from "../json.ts";
import { formatFault } from "./format.ts";
import { schemaOf } from "./schema.ts";

/** `path` is "" for the object itself. */
export function checkSchema(value: Json, schema: JsonObject, path: string, causes: Causes): void {
  if (value === null && schema["nullable"] === true) return;
  if (!hasType(value, schema)) {
    const type = textAt(schema, "type");
    const found = typeOf(value);
    return causes.typeInvalid(path, found, `${path} in body must be of type ${type}: "${found}"`);
  }
  const allowed = listAt(schema, "enum");
  if (allowed.length > 0 && !allowed.some((one) => sameJson(one, value)))
    causes.notSupported(path, value, allowed.map(printed));
  if (typeof value === "string") checkText(value, schema, path, causes);
  else if (typeof value === "number") checkNumber(value, schema, path, causes);
  else if (isList(value)) checkList(value, schema, path, causes);
  else if (isObject(value)) checkObject(value, schema, path, causes);
  checkJunctions(value, schema, path, causes);
}

function hasType(value: Json, schema: JsonObject): boolean {
  if (schema["x-kubernetes-int-or-string"] === true)
    return typeof value === "string" || Number.isSafeInteger(value);
  switch (textAt(schema, "type")) {
    case "object":
      return isObject(value);
    case "array":
      return isList(value);
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number";
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    default:
      return true;
  }
}

function typeOf(value: Json): string {
  if (value === null) return "null";
  if (isList(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function checkText(value: string, schema: JsonObject, path: string, causes: Causes): void {
  const length = Array.from(value).length;
  const { maxLength, minLength, pattern, format } = schema;
  if (typeof maxLength === "number" && length > maxLength) causes.tooLong(path, maxLength);
  if (typeof minLength === "number" && length < minLength)
    causes.invalid(path, value, `${path} in body should be at least ${minLength} chars long`);
  if (typeof pattern === "string" && !new RegExp(pattern, "u").test(value))
    causes.invalid(path, value, `${path} in body should match '${pattern}'`);
  const fault = formatFault(printed(format ?? ""), value);
  if (fault)
    causes.invalid(
      path,
      value,
      `${path} in body must be of type ${printed(format)}: ${JSON.stringify(value)}`,
    );
}

function checkNumber(value: number, schema: JsonObject, path: string, causes: Causes): void {
  const { minimum, maximum, multipleOf } = schema;
  const inner = (bound: "exclusiveMinimum" | "exclusiveMaximum"): boolean => schema[bound] === true;
  const wrong = (words: string): void => causes.invalid(path, value, `${path} in body should be ${words}`);
  if (typeof minimum === "number" && (value < minimum || (inner("exclusiveMinimum") && value === minimum)))
    wrong(`greater than ${inner("exclusiveMinimum") ? "" : "or equal to "}${minimum}`);
  if (typeof maximum === "number" && (value > maximum || (inner("exclusiveMaximum") && value === maximum)))
    wrong(`less than ${inner("exclusiveMaximum") ? "" : "or equal to "}${maximum}`);
  if (typeof multipleOf === "number" && value % multipleOf !== 0) wrong(`a multiple of ${multipleOf}`);
}

function checkList(value: readonly Json[], schema: JsonObject, path: string, causes: Causes): void {
  const { maxItems, minItems } = schema;
  if (typeof maxItems === "number" && value.length > maxItems) causes.tooMany(path, value.length, maxItems);
  if (typeof minItems === "number" && value.length < minItems)
    causes.invalid(path, value.length, `${path} in body should have at least ${minItems} items`);
  const items = objectAt(schema, "items");
  for (const [index, item] of value.entries()) checkSchema(item, items, `${path}[${index}]`, causes);
  const identity = identityOf(schema);
  if (!identity) return;
  for (const [index, item] of value.entries())
    if (value.findIndex((other) => sameJson(identity(other), identity(item))) < index)
      causes.duplicate(`${path}[${index}]`, identity(item));
}

/** Returns what no two items of the list may share; undefined when the list allows everything. */
function identityOf(schema: JsonObject): ((item: Json) => Json) | undefined {
  const kind = textAt(schema, "x-kubernetes-list-type");
  if (kind === "set" || schema["uniqueItems"] === true) return (item) => item;
  if (kind !== "map") return undefined;
  const keys = listAt(schema, "x-kubernetes-list-map-keys").map(printed);
  return (item) => Object.fromEntries(keys.map((key) => [key, at(item, key)]));
}

function checkObject(value: JsonObject, schema: JsonObject, path: string, causes: Causes): void {
  const fieldOf = (name: string): string => (path === "" ? name : `${path}.${name}`);
  for (const name of listAt(schema, "required").map(printed))
    if (value[name] === undefined) causes.required(fieldOf(name));
  const count = Object.keys(value).length;
  const most = numberAt(schema, "maxProperties");
  const least = numberAt(schema, "minProperties");
  if (most !== undefined && count > most) causes.tooMany(path, count, most);
  if (least !== undefined && count < least)
    causes.invalid(path, count, `${path} in body should have at least ${least} properties`);
  for (const [name, item] of Object.entries(value)) {
    const known = schemaOf(schema, name);
    if (known && item !== undefined) checkSchema(item, known, fieldOf(name), causes);
  }
}

function checkJunctions(value: Json, schema: JsonObject, path: string, causes: Causes): void {
  const fits = (one: Json): boolean => {
    const found = new Causes();
    checkSchema(value, objectAt(one), path, found);
    return found.list.length === 0;
  };
  const place = JSON.stringify(path);
  const anyOf = listAt(schema, "anyOf");
  const oneOf = listAt(schema, "oneOf");
  for (const one of listAt(schema, "allOf")) checkSchema(value, objectAt(one), path, causes);
  if (anyOf.length > 0 && !anyOf.some(fits))
    causes.invalid(path, value, `${place} must validate at least one schema (anyOf)`);
  if (oneOf.length > 0 && oneOf.filter(fits).length !== 1)
    causes.invalid(path, value, `${place} must validate one and only one schema (oneOf)`);
  const not = schema["not"];
  if (not !== undefined && fits(not))
    causes.invalid(path, value, `${place} must not validate the schema (not)`);
}
