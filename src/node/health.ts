// The agent's HTTP endpoints: /healthz (it runs), /readyz (pods can be attached, or why not), /metrics.

import { createServer } from "node:http";
import type { Registry } from "prom-client";

export interface HealthOptions {
  /** `host:port`, IPv6 in brackets. */
  readonly address: string;
  readonly registry: Registry;
  /** Why this node is not ready; undefined when it is. */
  readonly unready: () => string | undefined;
}

/** Serves until `signal` is aborted. Resolves when it listens. */
export async function serveHealth(options: HealthOptions, signal: AbortSignal): Promise<void> {
  const server = createServer((request, response) => {
    const reply = (status: number, body: string, type = "text/plain"): void => {
      response.writeHead(status, { "content-type": type }).end(body);
    };
    switch (request.url ?? "") {
      case "/healthz":
        return reply(200, "ok\n");
      case "/readyz": {
        const reason = options.unready();
        return reply(reason === undefined ? 200 : 503, `${reason ?? "ok"}\n`);
      }
      case "/metrics":
        return void options.registry.metrics().then(
          (text) => reply(200, text, options.registry.contentType),
          (error: unknown) => reply(500, `${String(error)}\n`),
        );
      default:
        return reply(404, "not found\n");
    }
  });
  const colon = options.address.lastIndexOf(":");
  const host = options.address.slice(0, colon).replace(/^\[|\]$/g, "");
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(Number(options.address.slice(colon + 1)), host, resolve);
  });
  signal.addEventListener("abort", () => {
    server.close();
    server.closeAllConnections();
  });
}
