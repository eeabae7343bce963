// The HTTP endpoints of a long-running process: /livez (its event loop runs), /readyz (or why not) and /metrics.
// Read-only; the path is the only input.

import { once } from "node:events";
import { createServer } from "node:http";
import type { Registry } from "prom-client";

export interface HealthOptions {
  /** `127.0.0.1:9410`, `[::]:9410`. */
  readonly address: string;
  readonly registry: Registry;
  /** Undefined when ready; otherwise why not, in one sentence. Does not reject. */
  readonly notReady: () => string | undefined | Promise<string | undefined>;
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
      default:
        return reply(404, "try /livez, /readyz or /metrics\n");
    }
  });
  signal.addEventListener("abort", () => server.closeAllConnections());
  server.listen({ port, host, signal });
  await once(server, "listening", { signal });
}

function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^(\[[^\]]+\]|[^:]*):(\d{1,5})$/.exec(address) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new Error(`health address ${address}: expected HOST:PORT, as 127.0.0.1:9410`);
  return { host: host.replaceAll(/[[\]]/g, ""), port: Number(port) };
}
