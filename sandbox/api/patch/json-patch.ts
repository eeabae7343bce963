// JSON patch (RFC 6902) with JSON pointers (RFC 6901), on values that are never changed in place.

import { isList, isObject, type Json, type JsonObject, printed, sameJson, textAt } from "../json.ts";
import { ApiError, badRequest } from "../status.ts";

/** Applies all operations or throws: BadRequest for a malformed one, 422 for one that does not fit the document. */
export function jsonPatch(document: JsonObject, operations: Json): JsonObject {
  if (!isList(operations)) throw badRequest("a JSON patch is a list of operations");
  const result = operations.reduce<Json>(
    (current, operation) => applyOperation(current, operation),
    document,
  );
  if (!isObject(result)) throw badRequest("a JSON patch may not replace the object by something else");
  return result;
}

function applyOperation(document: Json, operation: Json): Json {
  if (!isObject(operation)) throw badRequest("an operation of a JSON patch is an object");
  const path = pointer(operation["path"]);
  const value = operation["value"];
  switch (textAt(operation, "op")) {
    case "add":
      return edit(document, path, "add", needed(value));
    case "remove":
      return edit(document, path, "remove");
    case "replace":
      return edit(document, path, "replace", needed(value));
    case "copy":
      return edit(document, path, "add", read(document, pointer(operation["from"])));
    case "move": {
      const from = pointer(operation["from"]);
      return edit(edit(document, from, "remove"), path, "add", read(document, from));
    }
    case "test":
      if (sameJson(read(document, path), value)) return document;
      throw unfit(`testing value ${printed(operation["path"])} failed`);
    default:
      throw badRequest(`unexpected operation of a JSON patch: ${printed(operation["op"])}`);
  }
}

function pointer(text: Json | undefined): readonly string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/")))
    throw badRequest(`not a JSON pointer: ${JSON.stringify(text)}`);
  return text
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function needed(value: Json | undefined): Json {
  if (value === undefined) throw badRequest("the operation of the JSON patch lacks a value");
  return value;
}

function read(document: Json, path: readonly string[]): Json {
  let current: Json | undefined = document;
  for (const step of path) {
    if (isList(current)) current = current[index(step, current.length - 1)];
    else current = isObject(current) && Object.hasOwn(current, step) ? current[step] : undefined;
  }
  if (current === undefined) throw unfit(`nothing is at /${path.join("/")}`);
  return current;
}

type Edit = "add" | "remove" | "replace";

function edit(target: Json | undefined, path: readonly string[], how: Edit, value: Json = null): Json {
  const [step, ...rest] = path;
  if (step === undefined) {
    if (how === "remove") throw unfit("the whole object cannot be removed by a patch");
    return value;
  }
  if (isList(target)) return editList(target, step, rest, how, value);
  if (!isObject(target)) throw unfit(`nothing is at ${step}`);
  const present = Object.hasOwn(target, step) && target[step] !== undefined;
  if (!present && (rest.length > 0 || how !== "add")) throw unfit(`nothing is at ${step}`);
  const entries = new Map(Object.entries(target));
  if (rest.length === 0 && how === "remove") entries.delete(step);
  else entries.set(step, edit(target[step], rest, how, value));
  return Object.fromEntries(entries);
}

function editList(
  list: readonly Json[],
  step: string,
  rest: readonly string[],
  how: Edit,
  value: Json,
): Json {
  const inserts = rest.length === 0 && how === "add";
  const position =
    inserts && step === "-" ? list.length : index(step, inserts ? list.length : list.length - 1);
  if (inserts) return list.toSpliced(position, 0, value);
  if (rest.length === 0 && how === "remove") return list.toSpliced(position, 1);
  return list.with(position, edit(list[position], rest, how, value));
}

function index(step: string, last: number): number {
  if (!/^(0|[1-9]\d*)$/.test(step) || Number(step) > last) throw unfit(`${step} is not an index of the list`);
  return Number(step);
}

const unfit = (why: string): ApiError =>
  new ApiError(422, "Invalid", `the server rejected our request due to an error in our request: ${why}`);
