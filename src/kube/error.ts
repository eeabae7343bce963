// The one error of the Kubernetes layer. A caller's queue reads `retryable` and `retryAfterMs`; code that expects a
// certain answer asks (`isNotFound`) instead of matching text.

/** Reasons that no API server sends, for what goes wrong before there is a complete answer. */
export type TransportReason = "ConnectionLost" | "TimedOut" | "TooLarge" | "Malformed";

export interface KubeErrorFields {
  /** HTTP status, or 0 when there was no answer. */
  readonly status: number;
  /** `reason` of the API's Status (`NotFound`, `Conflict`, `Expired` …), or a TransportReason; "" when unknown. */
  readonly reason: string;
  readonly retryAfterMs?: number | undefined;
  /** The reasons of the Status' causes, which say more than its own. */
  readonly causes?: readonly string[];
  /** The fields that the causes are about: `metadata.uid`. */
  readonly fields?: readonly string[];
  readonly cause?: unknown;
}

export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly status: number;
  readonly reason: string;
  /** How long the server asked not to be called. */
  readonly retryAfterMs: number | undefined;
  readonly causes: readonly string[];
  readonly fields: readonly string[];

  /** `message` says which request failed and why; it never contains a header. */
  constructor(message: string, fields: KubeErrorFields) {
    super(message, { cause: fields.cause });
    this.status = fields.status;
    this.reason = fields.reason;
    this.retryAfterMs = fields.retryAfterMs;
    this.causes = fields.causes ?? [];
    this.fields = fields.fields ?? [];
  }

  /**
   * Whether doing the work again, from what the stores hold by then, may help. That is so for a conflict, and also
   * for 401: tokens are read anew for each request, and the file may just have been replaced.
   */
  get retryable(): boolean {
    if (this.status === 0) return this.reason === "ConnectionLost" || this.reason === "TimedOut";
    const isOvertaken: boolean = isConflict(this);
    return (
      isOvertaken || this.status === 401 || this.status === 408 || this.status === 429 || this.status >= 500
    );
  }
}

const isKubeError = (error: unknown, status: number, reason?: string): error is KubeError =>
  error instanceof KubeError && error.status === status && (reason === undefined || error.reason === reason);

export const isNotFound = (error: unknown): boolean => isKubeError(error, 404);
export const isAlreadyExists = (error: unknown): boolean => isKubeError(error, 409, "AlreadyExists");
/**
 * Somebody else changed the object meanwhile, or its uid is not the expected one. An API server answers a patch with
 * another uid that the field is immutable (ValidateObjectMetaAccessorUpdate in k8s.io/apimachinery), not that there is
 * a conflict.
 */
export const isConflict = (error: unknown): error is KubeError =>
  (isKubeError(error, 409) && !isAlreadyExists(error)) ||
  (isKubeError(error, 422) && error.fields.includes("metadata.uid"));
/**
 * The server cannot go on from the resource version or continue token: it is older than what the server remembers, or
 * newer than anything it knows, because the server was restored from a backup or is behind another one.
 */
export const isExpired = (error: unknown): boolean =>
  isKubeError(error, 410) || (isKubeError(error, 504) && error.causes.includes("ResourceVersionTooLarge"));
