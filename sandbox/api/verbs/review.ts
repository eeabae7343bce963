// SelfSubjectAccessReview: may the caller do this? Every known user of the sandbox may do everything (auth.ts), so a
// review that makes sense is always allowed.

import { isObject, type JsonObject } from "../json.ts";
import { ApiError } from "../status.ts";

export const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

export function reviewed(review: JsonObject): JsonObject {
  const { spec } = review;
  if (!isObject(spec) || (!isObject(spec["resourceAttributes"]) && !isObject(spec["nonResourceAttributes"])))
    throw new ApiError(
      422,
      "Invalid",
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Required value: or nonResourceAttributes',
    );
  return {
    ...review,
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    status: { allowed: true, reason: "the sandbox has no RBAC" },
  };
}
