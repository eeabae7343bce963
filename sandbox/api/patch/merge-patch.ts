// JSON merge patch (RFC 7396): objects are merged, null deletes, everything else replaces.

import { isObject, type Json, type JsonObject } from "../json.ts";

export function mergePatch(target: Json | undefined, patch: JsonObject): JsonObject {
  const result = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, isObject(value) ? mergePatch(result.get(name), value) : value);
  }
  return Object.fromEntries(result);
}
