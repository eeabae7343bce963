// The HTTP endpoints of a long-running process: /livez (its event loop runs), /readyz (or why not) and /metrics, all
// read-only; and /loglevel, which can be changed from this machine.

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Registry } from "prom-client";

export interface HealthOptions {
  /** `127.0.0.1:9410`, `[::]:9410`. */
  readonly address: string;
  readonly registry: Registry;
  /** Undefined when ready; otherwise why not, in one sentence. Does not reject. */
  readonly notReady: () => string | undefined | Promise<string | undefined>;
  readonly logLevels?: LogLevels | undefined;
}

export interface LogLevels {
  readonly current: () => string;
  /** Returns false when there is no such level. */
  readonly change: (level: string) => boolean;
}

/** Serves until `signal` is aborted. Resolves when it listens; rejects when the address is malformed or taken. */
export async function serveHealth(options: HealthOptions, signal: AbortSignal): Promise<void> {
  const { host, port } = parseAddress(options.address);
  const server = createServer((request, response) => {
    const reply = (status: number, body: string, type = "text/plain"): void => {
      response.writeHead(status, { "content-type": type }).end(body);
    };
    switch (request.url ?? "") {
      case "/livez":
        return reply(200, "ok\n");
      case "/readyz":
        return void Promise.resolve(options.notReady()).then((reason) =>
          reply(reason === undefined ? 200 : 503, `${reason ?? "ok"}\n`),
        );
      case "/metrics":
        return void options.registry.metrics().then(
          (text) => reply(200, text, options.registry.contentType),
          (error: unknown) => reply(500, `${String(error)}\n`),
        );
      case "/loglevel":
        return void answerLogLevel(options.logLevels, request).then(
          ({ status, body }) => reply(status, `${body}\n`),
          (error: unknown) => reply(400, `${String(error)}\n`),
        );
      default:
        return reply(404, "try /livez, /readyz, /metrics or /loglevel\n");
    }
  });
  signal.addEventListener("abort", () => server.closeAllConnections());
  server.listen({ port, host, signal });
  await once(server, "listening", { signal });
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

const longestLevel = 16;

/** GET returns the level, PUT with a level's name changes it: only from this machine, even if metrics are read from elsewhere. */
async function answerLogLevel(levels: LogLevels | undefined, request: IncomingMessage): Promise<Reply> {
  if (!levels) return { status: 404, body: "this process has no log level" };
  if (request.method === "GET") return { status: 200, body: levels.current() };
  if (request.method !== "PUT") return { status: 405, body: "GET tells the log level, PUT changes it" };
  if (!/^(::ffff:)?127\.|^::1$/.test(request.socket.remoteAddress ?? ""))
    return { status: 403, body: "the log level can be changed from this machine only" };
  let wanted = "";
  for await (const chunk of request) {
    wanted += String(chunk);
    if (wanted.length > longestLevel) return { status: 400, body: "expected the name of a level" };
  }
  return levels.change(wanted.trim())
    ? { status: 200, body: levels.current() }
    : { status: 400, body: "expected debug, info, warn or error" };
}

function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^(\[[^\]]+\]|[^:]*):(\d{1,5})$/.exec(address) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new Error(`health address ${address}: expected HOST:PORT, such as 127.0.0.1:9410`);
  return { host: host.replaceAll(/[[\]]/g, ""), port: Number(port) };
}
