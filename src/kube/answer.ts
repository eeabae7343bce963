// An HTTP answer, turned into JSON or into a KubeError. Sizes are bounded, so that a proxy's endless error page
// cannot fill the memory.

import type { IncomingMessage } from "node:http";
import { KubeError } from "./error.ts";
import { integer, list, record, text } from "./json.ts";

const maxErrorBytes = 1024 * 1024;

/** The whole body, parsed. `label` (`GET /api/v1/pods`) begins each error message. */
export async function readJson(label: string, response: IncomingMessage, maxBytes: number): Promise<unknown> {
  const body = await readText(label, response, maxBytes);
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new KubeError(`${label}: the answer is not JSON`, {
      status: response.statusCode ?? 0,
      reason: "Malformed",
      cause,
    });
  }
}

/** The error for an answer outside 2xx. Reads the body, so that the connection can be reused. */
export async function errorOf(label: string, response: IncomingMessage): Promise<KubeError> {
  const statusCode = response.statusCode ?? 0;
  const body = await readText(label, response, maxErrorBytes);
  const fields = statusFields(statusCode, parsed(body));
  const header = Number(response.headers["retry-after"]);
  return new KubeError(`${label}: ${statusCode} ${fields.reason}: ${fields.message || body.slice(0, 200)}`, {
    ...fields,
    retryAfterMs: Number.isFinite(header) ? Math.max(0, header) * 1000 : fields.retryAfterMs,
  });
}

/** The fields of an API `Status`, which also arrives inside watches, as the object of an ERROR event. */
export function statusFields(
  httpStatus: number | undefined,
  status: unknown,
): {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly causes: readonly string[];
  readonly fields: readonly string[];
} {
  const { code, reason, message, details } = record(status);
  const { retryAfterSeconds, causes } = record(details);
  const seconds = integer(retryAfterSeconds, 1, 86_400);
  return {
    status: httpStatus ?? integer(code, 100, 599) ?? 500,
    reason: text(reason),
    message: text(message),
    causes: list(causes).map((cause) => text(record(cause).reason)),
    fields: list(causes).map((cause) => text(record(cause).field)),
    ...(seconds !== undefined && { retryAfterMs: seconds * 1000 }),
  };
}

async function readText(label: string, response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytesOf(response)) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new KubeError(`${label}: the answer is longer than ${maxBytes} bytes`, {
        status: response.statusCode ?? 0,
        reason: "TooLarge",
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Leaving the iteration early closes the connection, because a response is destroyed with its iterator. */
export const bytesOf = (response: IncomingMessage): AsyncIterable<Buffer> => response;

/** Errors do not always come from an API server: a proxy's error page is not JSON. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
