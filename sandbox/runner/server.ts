// The runner's HTTP server on a unix socket, the calls of a kubelet that kubectl needs:
//   GET /containerLogs/NAMESPACE/POD/CONTAINER      and      WebSocket /exec or /attach/NAMESPACE/POD/CONTAINER
// Requests come from the API server, which has authenticated the caller. Whoever can open the socket is root.

import { chmod, rm } from "node:fs/promises";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { WebSocketServer } from "ws";
import { serveAttach } from "./attach.ts";
import type { ContainerRun } from "./container.ts";
import { execProtocols, serveExec, withTerminal } from "./exec.ts";
import { type LogRequest, readLog } from "./logs.ts";

export type FindContainer = (namespace: string, pod: string, container: string) => ContainerRun | undefined;

class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function serveKubelet(path: string, find: FindContainer): Promise<Server> {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => execProtocols.find((protocol) => offered.has(protocol)) ?? false,
  });
  const server = createServer((request, response) => {
    answerLogs(request, response, find).catch((error: unknown) => refuse(response, error));
  });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const start = request.url?.startsWith("/attach/") === true ? startAttach : startExec;
    start(sockets, request, socket, head, find).catch((error: unknown) => refuseUpgrade(socket, error));
  });
  await rm(path, { force: true }); // of a runner that was killed
  const listening = Promise.withResolvers<void>();
  server.once("listening", listening.resolve).once("error", listening.reject).listen(path);
  await listening.promise;
  await chmod(path, 0o600);
  return server;
}

async function answerLogs(
  request: IncomingMessage,
  response: ServerResponse,
  find: FindContainer,
): Promise<void> {
  const { container, query, name } = target(request, "containerLogs", find);
  if (request.method !== "GET") throw new HttpError(405, "logs are read with GET");
  for (const unknown of ["timestamps", "sinceSeconds", "sinceTime"]) {
    if (!["", "0", "false"].includes(query.get(unknown) ?? "")) {
      throw new HttpError(400, `${unknown}: the sandbox keeps no times of log lines`);
    }
  }
  const path = container.log(flag(query, "previous"));
  if (path === undefined) {
    const { waiting } = container.status.state;
    const why = flag(query, "previous") ? "has no previous run" : `is waiting to start: ${waiting?.reason}`;
    throw new HttpError(400, `container ${name} ${why}`);
  }
  const log: LogRequest = {
    follow: flag(query, "follow"),
    tailLines: numeral(query, "tailLines"),
    limitBytes: numeral(query, "limitBytes"),
  };
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  response.writeHead(200, { "Content-Type": "text/plain" });
  response.flushHeaders();
  const run = container.status.restartCount;
  const running = () => container.running && container.status.restartCount === run;
  await pipeline(readLog(path, log, running, gone.signal), response);
}

async function startExec(
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  find: FindContainer,
): Promise<void> {
  const { container, query, name } = target(request, "exec", find);
  const command = query.getAll("command");
  if (command.length === 0) throw new HttpError(400, "exec: no command given");
  const tty = flag(query, "tty");
  const argv = await container.inside(tty ? withTerminal(command) : command);
  if (!argv) throw new HttpError(400, `container ${name} is not running`);
  checkProtocol(request);
  sockets.handleUpgrade(request, socket, head, (ws) => {
    serveExec(ws, {
      argv,
      env: container.environment,
      stdin: flag(query, "stdin"),
      tty,
    });
  });
}

async function startAttach(
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  find: FindContainer,
): Promise<void> {
  const { container, query, name } = target(request, "attach", find);
  const path = container.log(false);
  if (path === undefined) throw new HttpError(400, `container ${name} has not begun`);
  checkProtocol(request);
  sockets.handleUpgrade(request, socket, head, (ws) =>
    serveAttach(ws, container, path, flag(query, "stdin")),
  );
}

function checkProtocol(request: IncomingMessage): void {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(/, */);
  if (!execProtocols.some((protocol) => offered.includes(protocol)))
    throw new HttpError(400, `streams speak ${execProtocols.join(" and ")}, not ${offered.join(", ")}`);
}

function target(request: IncomingMessage, call: string, find: FindContainer) {
  const url = new URL(request.url ?? "/", "http://runner");
  const [, first, namespace = "", pod = "", name = "", ...rest] = url.pathname
    .split("/")
    .map(decodeURIComponent);
  if (first !== call || rest.length > 0) throw new HttpError(404, `no such call: ${url.pathname}`);
  const container = find(namespace, pod, name);
  if (!container)
    throw new HttpError(404, `container ${name} of pod ${namespace}/${pod} is not on this node`);
  return { container, query: url.searchParams, name: `"${name}" in pod "${pod}"` };
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy(); // the client left, or the log went away while it was read
    return;
  }
  // As text: the API server turns it into a Status.
  const status = error instanceof HttpError ? error.status : 500;
  response.writeHead(status, { "Content-Type": "text/plain" }).end(messageOf(error));
}

/** The API server passes the answer to an upgrade on as it is, so it must be a Status already. */
function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { status, body } = statusOf(error);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function statusOf(error: unknown): { status: number; body: string } {
  const status = error instanceof HttpError ? error.status : 500;
  const message = messageOf(error);
  const reason = { 400: "BadRequest", 404: "NotFound", 405: "MethodNotAllowed" }[status] ?? "InternalError";
  const body = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code: status,
  };
  return { status, body: JSON.stringify(body) };
}

/** Kubernetes writes true as `true` or `1`. */
function flag(query: URLSearchParams, key: string): boolean {
  return ["true", "1"].includes(query.get(key) ?? "");
}

function numeral(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  if (!/^\d+$/.test(text)) throw new HttpError(400, `${key}: not a number: ${text}`);
  return Number(text);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
