// Writes short answers: one JSON document with its code.

import type { ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { JsonObject } from "../json.ts";
import { ApiError } from "../status.ts";

export function sendJson(response: ServerResponse, code: number, body: JsonObject | string): void {
  const text = typeof body === "string" ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(code, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-cache, private",
  });
  response.end(text);
}

export function sendText(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
  response.end(text);
}

/** The error as the client should see it. An error that is not ours is a bug, and the log gets its stack. */
export function apiErrorOf(error: unknown, log: (text: string) => void): ApiError {
  if (error instanceof ApiError) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log(`internal error: ${text}`);
  return new ApiError(
    500,
    "InternalError",
    `Internal error occurred: ${error instanceof Error ? error.message : text}`,
  );
}

/** Refuses a connection that asked to be upgraded, and closes it. */
export function refuseUpgrade(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify(error.status);
  const head = [
    `HTTP/1.1 ${error.code} ${STATUS_CODES[error.code] ?? "Error"}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
