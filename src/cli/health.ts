// The HTTP endpoints of a long-running process: /livez, /readyz and /metrics. Liveness is that the event loop turns;
// readiness is what the process says it is. Read-only, no input but the path.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Registry } from "prom-client";

export interface HealthOptions {
  /** `127.0.0.1:9410`, `[::]:9410`. */
  readonly address: string;
  readonly registry: Registry;
  /** Undefined when ready, else why not, in one sentence. */
  readonly notReady: () => string | undefined;
}

/** Listens until disposed. Rejects when the address is malformed or taken. */
export async function serveHealth(options: HealthOptions): Promise<AsyncDisposable> {
  const at = options.address.lastIndexOf(":");
  const host = options.address.slice(0, at).replaceAll(/[[\]]/g, "");
  const port = Number(options.address.slice(at + 1));
  if (at < 0 || !Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(
      `metrics address ${JSON.stringify(options.address)}: expected HOST:PORT, as 127.0.0.1:9410`,
    );
  const server = createServer((request, response) => {
    const send = (status: number, type: string, body: string): void => {
      response.writeHead(status, { "content-type": type }).end(body);
    };
    if (request.url === "/livez") return send(200, "text/plain", "ok\n");
    if (request.url === "/readyz") {
      const reason = options.notReady();
      return send(reason === undefined ? 200 : 503, "text/plain", `${reason ?? "ok"}\n`);
    }
    if (request.url !== "/metrics") return send(404, "text/plain", "try /livez, /readyz or /metrics\n");
    return void options.registry.metrics().then(
      (text) => send(200, options.registry.contentType, text),
      (error: unknown) => send(500, "text/plain", `${String(error)}\n`),
    );
  });
  server.listen(port, host);
  await once(server, "listening");
  return { [Symbol.asyncDispose]: () => close(server) };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
