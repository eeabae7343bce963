// The body of a request as JSON, from JSON or Kubernetes' protobuf.

import type { IncomingMessage } from "node:http";
import { isObject, type Json, type JsonObject } from "../json.ts";
import { decodeProtobuf } from "../schema/protobuf.ts";
import { ApiError, badRequest, unsupportedMediaType } from "../status.ts";

/** The limit of the real server for one request. */
const maxBytes = 3 * 1024 * 1024;

const protobufType = "application/vnd.kubernetes.protobuf";

const contentTypeOf = (request: IncomingMessage): string =>
  (request.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    if (length > maxBytes)
      throw new ApiError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${maxBytes}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** An object from a body of either type. An empty body is an empty object. */
export async function readObject(request: IncomingMessage): Promise<JsonObject> {
  const type = contentTypeOf(request);
  const body = await readBody(request);
  if (body.length === 0) return {};
  if (type === protobufType) return decodeProtobuf(body);
  if (type !== "" && type !== "application/json")
    throw unsupportedMediaType(type, ["application/json", protobufType]);
  const value = parseJson(body);
  if (!isObject(value)) throw badRequest("the body of the request is not a JSON object");
  return value;
}

export async function readPatch(request: IncomingMessage): Promise<{ body: Json; contentType: string }> {
  const body = await readBody(request);
  const contentType = contentTypeOf(request);
  if (contentType.startsWith("application/apply-patch"))
    throw new ApiError(415, "UnsupportedMediaType", "the sandbox's Kubernetes API has no server-side apply");
  return { body: parseJson(body), contentType };
}

function parseJson(body: Buffer): Json {
  try {
    const value: Json = JSON.parse(body.toString("utf8"));
    return value;
  } catch (error) {
    if (error instanceof SyntaxError)
      throw badRequest(`the body of the request is not JSON: ${error.message}`);
    throw error;
  }
}
