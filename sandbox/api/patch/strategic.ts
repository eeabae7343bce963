// Strategic merge patch, which `kubectl apply` sends for an existing object. It is like a merge patch, but a list whose
// schema names a merge key is merged item by item. Directives as in k8s.io/apimachinery, pkg/util/strategicpatch:
// `$patch: replace|delete|merge`, `$retainKeys`, `$setElementOrder/FIELD`, `$deleteFromPrimitiveList/FIELD`.

import { isList, isObject, type Json, type JsonObject, printed, sameJson, without } from "../json.ts";
import { type Field, type MessageType, schema } from "../schema/schema.ts";
import { badRequest } from "../status.ts";

const directives = ["$patch", "$retainKeys"];
const orderPrefix = "$setElementOrder/";
const deletePrefix = "$deleteFromPrimitiveList/";

export function strategicPatch(
  original: JsonObject,
  patch: JsonObject,
  type: MessageType | undefined,
): JsonObject {
  const directive = patch["$patch"];
  if (directive === "replace") return strip(patch);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge")
    throw badRequest(`unknown $patch: ${printed(directive)}`);
  const keep = patch["$retainKeys"];
  const result = new Map(Object.entries(original).filter(([name]) => !isList(keep) || keep.includes(name)));
  for (const name of fieldsTouched(patch)) {
    const merged = mergeField(result.get(name), name, patch, type?.byName.get(name));
    if (merged === undefined) result.delete(name);
    else result.set(name, merged);
  }
  return Object.fromEntries(result);
}

/** The fields that a patch mentions, directly or in a directive. */
function fieldsTouched(patch: JsonObject): ReadonlySet<string> {
  const names = Object.keys(patch).filter((name) => !directives.includes(name));
  return new Set(names.map((name) => name.replace(/^\$(setElementOrder|deleteFromPrimitiveList)\//, "")));
}

function mergeField(
  old: Json | undefined,
  name: string,
  patch: JsonObject,
  field: Field | undefined,
): Json | undefined {
  const value = patch[name];
  if (value === null) return undefined;
  const order = patch[orderPrefix + name];
  const doomed = patch[deletePrefix + name];
  if (field?.shape === "list" && (isList(value) || isList(order) || isList(doomed))) {
    const items = isList(value) ? value : [];
    const before = isList(old) ? old : [];
    if (field.mergeKey !== undefined) {
      const type = schema.get(field.type);
      return orderBy(mergeItems(before, items, field.mergeKey, type), before, order, keyed(field.mergeKey));
    }
    if (field.mergeScalars) {
      const kept = before.filter((item) => !(isList(doomed) && doomed.includes(item)));
      return orderBy([...new Set([...kept, ...items])], before, order, (item) => item);
    }
  }
  if (value === undefined) return old;
  if (!isObject(value)) return value;
  const type = field?.shape === "one" ? schema.get(field.type) : undefined;
  return strategicPatch(isObject(old) ? old : {}, value, type);
}

const keyed =
  (mergeKey: string) =>
  (item: Json): Json | undefined =>
    isObject(item) ? item[mergeKey] : undefined;

function mergeItems(
  before: readonly Json[],
  patches: readonly Json[],
  mergeKey: string,
  type: MessageType | undefined,
): readonly Json[] {
  const keyOf = keyed(mergeKey);
  const items = patches.filter(isObject);
  if (items.some((item) => item["$patch"] === "replace" && keyOf(item) === undefined))
    return items.filter((item) => item["$patch"] === undefined).map(strip);
  let result = before;
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined)
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    const index = result.findIndex((candidate) => sameJson(keyOf(candidate), key));
    const old = result[index];
    if (item["$patch"] === "delete") result = result.filter((candidate) => !sameJson(keyOf(candidate), key));
    else if (isObject(old)) result = result.with(index, strategicPatch(old, item, type));
    else result = [...result, strategicPatch({}, item, type)];
  }
  return result;
}

/**
 * Puts the items that `order` names into that order. The others stay beside their old neighbours. Without an order the
 * merged list stays as it is.
 */
function orderBy(
  merged: readonly Json[],
  before: readonly Json[],
  order: Json | undefined,
  keyOf: (item: Json) => Json | undefined,
): readonly Json[] {
  if (!isList(order)) return merged;
  const rank = (list: readonly Json[], item: Json): number =>
    list.findIndex((other) => sameJson(keyOf(other), keyOf(item)));
  const named = merged
    .filter((item) => rank(order, item) >= 0)
    .sort((a, b) => rank(order, a) - rank(order, b));
  let others = merged.filter((item) => rank(order, item) < 0);
  const result: Json[] = [];
  for (const item of named) {
    const place = rank(before, item);
    const stays = others.findIndex((other) => place < 0 || rank(before, other) > place);
    const first = stays < 0 ? others.length : stays;
    result.push(...others.slice(0, first), item);
    others = others.slice(first);
  }
  return [...result, ...others];
}

/** The value of a patch when there is nothing to merge it with. */
const strip = (patch: JsonObject): JsonObject => without(patch, ...directives);
