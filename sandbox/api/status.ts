// Errors in Kubernetes' form: a metav1.Status with a code, a reason for programs and a message for people. Handlers
// throw ApiError; the server writes its status.

import type { FieldCause } from "./causes.ts";
import type { JsonObject } from "./json.ts";

/** Names a resource in messages as Kubernetes does: `pods`, `deployments.apps`. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  get status(): JsonObject {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      reason: this.reason,
      details: this.details,
      code: this.code,
    };
  }
}

/** The answer to a deletion that removed the object. */
export const successStatus = (resource: ResourceName, name: string, uid: string): JsonObject => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: { name, group: resource.group || undefined, kind: resource.plural, uid },
});

const qualified = (resource: ResourceName): string =>
  resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;

const detailsOf = (resource: ResourceName, name: string): JsonObject => ({
  name,
  group: resource.group || undefined,
  kind: resource.plural,
});

export const badRequest = (message: string): ApiError => new ApiError(400, "BadRequest", message);

export const unauthorized = (): ApiError => new ApiError(401, "Unauthorized", "Unauthorized");

export const noSuchPath = (): ApiError =>
  new ApiError(404, "NotFound", "the server could not find the requested resource");

export const notFound = (resource: ResourceName, name: string): ApiError =>
  new ApiError(404, "NotFound", `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));

export const forbidden = (resource: ResourceName, name: string, why: string): ApiError =>
  new ApiError(
    403,
    "Forbidden",
    `${qualified(resource)} "${name}" is forbidden: ${why}`,
    detailsOf(resource, name),
  );

/** For features of Kubernetes that this server lacks. */
export const notSupported = (what: string): ApiError =>
  new ApiError(405, "MethodNotAllowed", `${what} is not supported by the sandbox's Kubernetes API`);

export const alreadyExists = (resource: ResourceName, name: string): ApiError =>
  new ApiError(
    409,
    "AlreadyExists",
    `${qualified(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );

export const conflict = (resource: ResourceName, name: string, why: string): ApiError =>
  new ApiError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );

export const staleObject = (resource: ResourceName, name: string): ApiError =>
  conflict(
    resource,
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );

export const expired = (message: string): ApiError => new ApiError(410, "Expired", message);

export const unsupportedMediaType = (got: string, supported: readonly string[]): ApiError =>
  new ApiError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(", ")} (got ${got || "none"})`,
  );

export const invalid = (resource: ResourceName, name: string, causes: readonly FieldCause[]): ApiError => {
  const messages = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = messages.length === 1 ? messages.join() : `[${messages.join(", ")}]`;
  return new ApiError(422, "Invalid", `${resource.kind} "${name}" is invalid: ${list}`, {
    name,
    group: resource.group || undefined,
    kind: resource.kind,
    causes: causes.map((cause) => ({ ...cause })),
  });
};
