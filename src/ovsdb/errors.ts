// Everything that can go wrong between a program and an OVSDB server, as one error class with a code. The RFC's and
// ovsdb-server's codes are kept letter for letter; our own are listed separately. Each error answers the two
// questions that matter to a caller: will a retry help, and may the transaction have been committed?

/** RFC 7047 sections 3.1 and 5.2, and what ovsdb-server 2.x and 3.x add. */
const serverCodes = [
  "aborted",
  "canceled",
  "cluster error",
  "constraint violation",
  "database not available",
  "domain error",
  "duplicate uuid",
  "duplicate uuid-name",
  "I/O error",
  "internal error",
  "invalid parameters",
  "not allowed",
  "not leader",
  "not owner",
  "not supported",
  "ovsdb error",
  "permission error",
  "range error",
  "referential integrity violation",
  "resources exhausted",
  "syntax error",
  "timed out",
  "unknown column",
  "unknown database",
  "unknown method",
  "unknown monitor",
  "unknown table",
] as const;

export type OvsdbErrorCode =
  | (typeof serverCodes)[number]
  /** An update, mutate or delete by UUID found no row. OVSDB commits the transaction nevertheless. */
  | "no row"
  | "not connected"
  | "connection lost"
  /** The peer sent something that is not OVSDB. */
  | "protocol error"
  | "invalid schema"
  /** A value does not fit its column. */
  | "invalid value"
  | "invalid remote"
  /** Something is wrong with the certificates or keys, ours or the other side's; the message says what. */
  | "tls error"
  | "closed"
  /** A code that is in none of the lists above; the message contains it. */
  | "other";

/** What is known about the outcome of the transaction in question. */
export type Outcome = "not committed" | "committed" | "unknown";

export interface OvsdbErrorDetails {
  readonly outcome?: Outcome;
  /** Index of the operation in the `Transaction`, in the order it was built. */
  readonly operationIndex?: number;
  readonly table?: string;
  readonly uuid?: string;
  readonly cause?: unknown;
}

const retryableCodes: ReadonlySet<OvsdbErrorCode> = new Set([
  "canceled",
  "cluster error",
  "connection lost",
  "database not available",
  "I/O error",
  "not connected",
  "not leader",
  "protocol error",
  "resources exhausted",
  "tls error",
]);

export class OvsdbError extends Error {
  override readonly name = "OvsdbError";
  readonly code: OvsdbErrorCode;
  readonly outcome: Outcome;
  readonly operationIndex: number | undefined;
  readonly table: string | undefined;
  readonly uuid: string | undefined;

  constructor(code: OvsdbErrorCode, message: string, details: OvsdbErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.outcome = details.outcome ?? "not committed";
    this.operationIndex = details.operationIndex;
    this.table = details.table;
    this.uuid = details.uuid;
  }

  /** Whether the same request may succeed later without a change, because the request itself was not at fault. */
  get retryable(): boolean {
    return retryableCodes.has(this.code);
  }

  /** Whether the transaction was sent and its answer lost: it may or may not have been committed. */
  get outcomeUnknown(): boolean {
    return this.outcome === "unknown";
  }
}

export const isOvsdbError = (error: unknown, code?: OvsdbErrorCode): error is OvsdbError =>
  error instanceof OvsdbError && (code === undefined || error.code === code);

const knownServerCodes: ReadonlyMap<string, OvsdbErrorCode> = new Map(
  serverCodes.map((code) => [code, code]),
);

/** What to do, where the server's own message does not say. */
const advice: ReadonlyMap<OvsdbErrorCode, string> = new Map([
  ["I/O error", "check the server's disk"],
  [
    "permission error",
    "extend what the role may do (RBAC_Permission), or use a remote that gives this client no role",
  ],
  ["not allowed", "the server is a replica or this remote is read-only: use another"],
  ["resources exhausted", "the server is out of memory: give it more, or send less at once"],
]);

/** The error in `json`, as servers send it: an object with `error` and perhaps more fields, or a bare string. */
export function serverError(json: unknown, doing: string, details?: OvsdbErrorDetails): OvsdbError {
  const fields: { error?: unknown; details?: unknown; "io-error"?: unknown } =
    typeof json === "object" && json !== null ? json : { error: json };
  const text = typeof fields.error === "string" ? fields.error : "unknown error";
  const more = typeof fields.details === "string" ? `: ${fields.details}` : "";
  const system = typeof fields["io-error"] === "string" ? ` (${fields["io-error"]})` : "";
  const code = knownServerCodes.get(text) ?? "other";
  const then = advice.get(code);
  return new OvsdbError(code, `${doing}: ${text}${more}${system}${then ? `; ${then}` : ""}`, details);
}

/** The caller's `signal` was aborted while it waited for `what`. */
export function givenUp(
  what: string,
  { reason }: AbortSignal,
  outcome: Outcome = "not committed",
): OvsdbError {
  const why = reason instanceof Error ? reason.message : String(reason);
  return new OvsdbError("canceled", `given up waiting for ${what} (${why})`, { cause: reason, outcome });
}
