// Chooses the kind of patch by the request's content type.

import { isObject, type Json } from "../json.ts";
import type { Kind } from "../kinds/kind.ts";
import { asKubeObject, type KubeObject } from "../objects.ts";
import { badRequest, unsupportedMediaType } from "../status.ts";
import { jsonPatch } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicPatch } from "./strategic.ts";

export const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;

/** `object` with the patch applied, not yet checked against the schema. */
export function patched(object: KubeObject, kind: Kind, patch: Json, contentType: string): KubeObject {
  if (contentType === patchTypes.json) return asKubeObject(jsonPatch(object, patch));
  if (!isObject(patch)) throw badRequest("a patch of this type is an object");
  if (contentType === patchTypes.merge) return asKubeObject(mergePatch(object, patch));
  if (contentType === patchTypes.strategic && kind.type)
    return asKubeObject(strategicPatch(object, patch, kind.type));
  throw unsupportedMediaType(contentType, Object.values(patchTypes));
}
