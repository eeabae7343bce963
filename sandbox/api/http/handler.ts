// One request from its path to its answer: who calls, what is meant, which verb handles it.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Authenticator } from "../auth.ts";
import type { Cluster } from "../cluster.ts";
import { discoveryOf } from "../discovery.ts";
import { type KubeletSocket, nodeOf, proxyLog, proxyUpgrade } from "../proxy.ts";
import { selectionOf } from "../select/selection.ts";
import { ApiError, noSuchPath, notSupported, successStatus, unauthorized } from "../status.ts";
import { columnDefinitions, includeObjectOf, tableOf, tableRow } from "../tables/table.ts";
import { create } from "../verbs/create.ts";
import { deleteOptionsOf, remove } from "../verbs/delete.ts";
import { evict } from "../verbs/evict.ts";
import { listTexts, pageOf, tableTexts } from "../verbs/list.ts";
import { writeOptionsOf } from "../verbs/options.ts";
import { reviewed, reviewPath } from "../verbs/review.ts";
import { bind, patchScale, replaceScale, scaleOf } from "../verbs/subresources.ts";
import { entryOf, type Part, patch, replace } from "../verbs/update.ts";
import { serveWatch } from "../verbs/watch.ts";
import { answerFormOf } from "./accept.ts";
import { apiErrorOf, refuseUpgrade, sendJson, sendText } from "./answer.ts";
import { readObject, readPatch } from "./body.ts";
import { writeTexts } from "./stream.ts";
import { type Target, targetOf } from "./target.ts";

export interface Server {
  readonly cluster: Cluster;
  readonly authenticator: Authenticator;
  readonly kubeletSocket: KubeletSocket;
  readonly bookmarkIntervalMs: number;
  readonly log: (text: string) => void;
  /** Aborts when the server stops. Watches and streams end then. */
  readonly stopping: AbortSignal;
}

interface Exchange {
  readonly server: Server;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Aborts when the client leaves or the server stops. */
  readonly signal: AbortSignal;
}

const healthPaths = ["/healthz", "/livez", "/readyz"];
/**
 * kubectl requests this to check a `kind: List`, which it never leaves to the server. It wants protobuf, in which an
 * empty answer is a document that describes no kind. kubectl lets undescribed kinds pass, and the server checks them.
 */
const openApiV2 = "/openapi/v2";

export async function handleRequest(
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const closed = new AbortController();
  response.once("close", () => closed.abort());
  const signal = AbortSignal.any([closed.signal, server.stopping]);
  try {
    const { path, query } = locationOf(request);
    if (healthPaths.includes(path)) return sendText(response, "ok");
    if (!server.authenticator.userOf(request.headers.authorization)) throw unauthorized();
    if (path === openApiV2) return sendText(response, "");
    const document = request.method === "GET" ? discoveryOf(path, server.cluster.kinds.all) : undefined;
    if (document) return sendJson(response, 200, document);
    if (path === reviewPath && request.method === "POST")
      return sendJson(response, 201, reviewed(await readObject(request)));
    await dispatch({ server, request, response, query, signal }, targetOf(path, server.cluster.kinds));
  } catch (error) {
    if (signal.aborted) return void response.destroy();
    const { code, status } = apiErrorOf(error, server.log);
    if (response.headersSent) response.destroy();
    else sendJson(response, code, status);
  }
}

function locationOf(request: IncomingMessage): { readonly path: string; readonly query: URLSearchParams } {
  const [path = "", ...query] = (request.url ?? "/").split("?");
  return {
    path: path.length > 1 ? path.replace(/\/$/, "") : path,
    query: new URLSearchParams(query.join("?")),
  };
}

async function dispatch(exchange: Exchange, target: Target): Promise<void> {
  if (target.subresource === "log") return serveLog(exchange, target);
  if (target.subresource === "exec" || target.subresource === "attach") throw refusedStream(exchange, target);
  if (target.subresource === "portforward") throw notSupported("port-forward");
  switch (exchange.request.method ?? "") {
    case "GET":
      return target.name === "" ? serveMany(exchange, target) : serveOne(exchange, target);
    case "POST":
      return serveCreate(exchange, target);
    case "PUT":
      return serveReplace(exchange, target);
    case "PATCH":
      return servePatch(exchange, target);
    case "DELETE":
      return serveDelete(exchange, target);
    default:
      throw wrongMethod();
  }
}

const parts: readonly Part[] = ["", "status", "finalize", "ephemeralcontainers"];

const wrongMethod = (): ApiError =>
  new ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");

function serveOne(
  { server, request, response, query }: Exchange,
  { kind, namespace, name, subresource }: Target,
): void {
  const entry = entryOf(server.cluster, kind, namespace, name);
  if (subresource === "scale") return sendJson(response, 200, scaleOf(entry.object));
  if (subresource === "binding" || subresource === "eviction") throw wrongMethod();
  if (answerFormOf(request.headers.accept) === "object") return sendJson(response, 200, entry.json);
  const row = tableRow(kind, entry.object, server.cluster.clock(), includeObjectOf(query));
  const metadata = { resourceVersion: String(entry.revision) };
  sendJson(response, 200, tableOf(columnDefinitions(kind), [row], metadata));
}

async function serveMany(
  { server, request, response, query, signal }: Exchange,
  { kind, namespace }: Target,
): Promise<void> {
  const { cluster, bookmarkIntervalMs } = server;
  const form = answerFormOf(request.headers.accept);
  const selection = selectionOf(kind, namespace, query);
  const include = includeObjectOf(query);
  if (["true", "1"].includes(query.get("watch") ?? "")) {
    const table = form === "table" ? include : undefined;
    return serveWatch({ cluster, kind, selection, query, table, bookmarkIntervalMs }, response, signal);
  }
  const page = pageOf(cluster, kind, selection, query);
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  const texts = form === "table" ? tableTexts(kind, page, cluster.clock(), include) : listTexts(kind, page);
  await writeTexts(response, texts, signal);
  response.end();
}

/** RFC 7234, section 5.5; a header holds ASCII only. */
const warningOf = (text: string): string => `299 - ${JSON.stringify(text.replaceAll(/[^ -~]/g, "?"))}`;

/** Warnings go into headers, so they are collected before the answer is written. */
const optionsOf = ({ query, response }: Exchange): ReturnType<typeof writeOptionsOf> =>
  writeOptionsOf(query, (text) => response.appendHeader("warning", warningOf(text)));

async function serveCreate(
  exchange: Exchange,
  { kind, namespace, name, subresource }: Target,
): Promise<void> {
  const { server, request, response } = exchange;
  const scoped = kind.namespaced === (namespace !== "");
  const acts = subresource === "binding" || subresource === "eviction";
  if (!scoped || (name !== "" && !acts)) throw wrongMethod();
  const body = await readObject(request);
  const { cluster } = server;
  const options = optionsOf(exchange);
  if (!acts) return sendJson(response, 201, create(cluster, kind, namespace, body, options));
  const entry = entryOf(cluster, kind, namespace, name);
  const done =
    subresource === "binding"
      ? bind(cluster, kind, entry, body, options)
      : evict(cluster, entry, body, options);
  sendJson(response, 201, done);
}

async function serveReplace(exchange: Exchange, target: Target): Promise<void> {
  const { kind, namespace, name, subresource } = target;
  if (name === "") throw wrongMethod();
  const body = await readObject(exchange.request);
  const { cluster } = exchange.server;
  const entry = entryOf(cluster, kind, namespace, name);
  const options = optionsOf(exchange);
  if (subresource === "scale")
    return sendJson(exchange.response, 200, replaceScale(cluster, kind, entry, body, options));
  sendJson(exchange.response, 200, replace(cluster, kind, entry, partOf(target), body, options));
}

async function servePatch(exchange: Exchange, target: Target): Promise<void> {
  const { kind, namespace, name, subresource } = target;
  if (name === "") throw wrongMethod();
  const change = await readPatch(exchange.request);
  const { cluster } = exchange.server;
  const entry = entryOf(cluster, kind, namespace, name);
  const options = optionsOf(exchange);
  if (subresource === "scale")
    return sendJson(exchange.response, 200, patchScale(cluster, kind, entry, change, options));
  sendJson(exchange.response, 200, patch(cluster, kind, entry, partOf(target), change, options));
}

function partOf({ subresource }: Target): Part {
  const part = parts.find((one) => one === subresource);
  if (part === undefined) throw wrongMethod();
  return part;
}

async function serveDelete({ server, request, response, query }: Exchange, target: Target): Promise<void> {
  const { kind, namespace, name, subresource } = target;
  if (subresource !== "") throw wrongMethod();
  const options = deleteOptionsOf(await readObject(request), query);
  if (name !== "")
    return sendJson(
      response,
      200,
      remove(server.cluster, kind, entryOf(server.cluster, kind, namespace, name), options),
    );
  const selection = selectionOf(kind, namespace, query);
  for (const entry of server.cluster.store.shelf(kind).range(namespace))
    if (selection.matches(entry.object)) remove(server.cluster, kind, entry, options);
  sendJson(response, 200, successStatus(kind, "", ""));
}

function serveLog(
  { server, request, response, query, signal }: Exchange,
  { kind, namespace, name }: Target,
): Promise<void> {
  if (request.method !== "GET") throw wrongMethod();
  const pod = entryOf(server.cluster, kind, namespace, name).object;
  return proxyLog(server.kubeletSocket, pod, query, response, signal);
}

/** kubectl comes here, by POST, after its WebSocket was refused. The reason for that refusal is the better answer. */
function refusedStream({ server }: Exchange, { kind, namespace, name, subresource }: Target): ApiError {
  nodeOf(entryOf(server.cluster, kind, namespace, name).object);
  return notSupported(`${subresource} over SPDY (a WebSocket with v5.channel.k8s.io is)`);
}

/** A connection that asks to become a WebSocket, for exec and attach. */
export async function handleUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  // Until the two sides are joined, nobody else notices when the client leaves.
  socket.on("error", () => socket.destroy());
  try {
    const { path, query } = locationOf(request);
    if (!server.authenticator.userOf(request.headers.authorization)) throw unauthorized();
    const { kind, namespace, name, subresource } = targetOf(path, server.cluster.kinds);
    if (subresource === "portforward") throw notSupported("port-forward");
    if (subresource !== "exec" && subresource !== "attach") throw noSuchPath();
    const pod = entryOf(server.cluster, kind, namespace, name).object;
    await proxyUpgrade(
      server.kubeletSocket,
      subresource,
      pod,
      query,
      { request, socket, head },
      server.stopping,
    );
  } catch (error) {
    if (!socket.destroyed) refuseUpgrade(socket, apiErrorOf(error, server.log));
  }
}
