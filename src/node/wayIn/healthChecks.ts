// Tells balancers outside whether this node has endpoints of a Service that keeps the client's address: an HTTP server
// on each `spec.healthCheckNodePort`, as kube-proxy has (pkg/proxy/healthcheck). Only the EndpointSlices of these
// Services are watched.

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "../../kube/clock.ts";
import type { EndpointSlice, Service } from "../../kube/objects.ts";
import type { Store } from "../../kube/store.ts";
import { isForeign } from "../../model/foreign.ts";
import { Bell } from "../wait/bell.ts";

const retryMs = 5_000;

export interface HealthChecksOptions {
  readonly nodeName: string;
  readonly services: Store<Service>;
  /** The Service's slices, until `signal` is aborted. */
  readonly slicesOf: (service: Service, signal: AbortSignal) => Store<EndpointSlice>;
  /** Whether packets for endpoints on this node would get there. */
  readonly isHealthy: () => boolean;
  readonly log: Log;
}

interface Check {
  readonly port: number;
  readonly ending: AbortController;
}

export class HealthChecks {
  readonly #options: HealthChecksOptions;
  /** uid of a Service -> its check */
  readonly #checks = new Map<string, Check>();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** Answers until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { services } = this.#options;
    const bell = new Bell();
    const unsubscribe = services.subscribe(bell.ring);
    services.ready(signal).then(bell.ring, () => undefined);
    signal.addEventListener("abort", bell.ring);
    while (!signal.aborted) {
      await bell.heard();
      if (services.synced) this.#follow();
    }
    unsubscribe();
    for (const { ending } of this.#checks.values()) ending.abort();
  }

  #follow(): void {
    const wanted = new Map(
      [...this.#options.services.values()].filter(isChecked).map((one) => [one.uid, one]),
    );
    for (const [uid, { port, ending }] of this.#checks)
      if (wanted.get(uid)?.healthCheckNodePort !== port) {
        ending.abort();
        this.#checks.delete(uid);
      }
    for (const [uid, service] of wanted) {
      const port = service.healthCheckNodePort;
      if (port === undefined || this.#checks.has(uid)) continue;
      const ending = new AbortController();
      this.#checks.set(uid, { port, ending });
      void this.#serve(service, port, ending.signal);
    }
  }

  /** Does not reject. While another process has the port, it is tried again. */
  async #serve(service: Service, port: number, signal: AbortSignal): Promise<void> {
    const { nodeName, slicesOf, isHealthy, log } = this.#options;
    const slices = slicesOf(service, signal);
    const listener: RequestListener = (_, response) => {
      const count = localEndpoints(slices.values(), nodeName);
      const { status, headers, body } = healthAnswer(service, count, isHealthy());
      response.writeHead(status, headers).end(body);
    };
    while (!signal.aborted) {
      const server = createServer(listener);
      const end = (): void => {
        server.close();
        server.closeAllConnections();
      };
      signal.addEventListener("abort", end);
      try {
        server.listen(port);
        await once(server, "listening", { signal });
        await once(server, "close", { signal });
      } catch (error) {
        if (signal.aborted) return;
        const { namespace, name } = service;
        log("warn", `port ${port} for health checks of Service ${namespace}/${name} cannot be served`, {
          error,
        });
        await pause(retryMs, undefined, { signal }).catch(() => undefined);
      } finally {
        signal.removeEventListener("abort", end);
      }
    }
  }
}

const isChecked = ({ type, labels, healthCheckNodePort, externalTrafficPolicy }: Service): boolean =>
  type === "LoadBalancer" &&
  externalTrafficPolicy === "Local" &&
  healthCheckNodePort !== undefined &&
  !isForeign(labels);

/** How many endpoints are ready on the node; an endpoint with addresses of both families counts once. */
export function localEndpoints(slices: Iterable<EndpointSlice>, nodeName: string): number {
  const byFamily = Map.groupBy(slices, ({ addressType }) => addressType);
  const counts = [...byFamily.values()].map((those) => {
    const ready = those.flatMap(({ endpoints }) =>
      endpoints.filter((one) => one.ready && !one.terminating && one.nodeName === nodeName),
    );
    return new Set(ready.map(({ addresses: [first] }) => first)).size;
  });
  return Math.max(0, ...counts);
}

/** What kube-proxy answers. */
export function healthAnswer(
  { namespace, name }: Pick<Service, "namespace" | "name">,
  count: number,
  isHealthy: boolean,
): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const body = { service: { namespace, name }, localEndpoints: count, serviceProxyHealthy: isHealthy };
  return {
    status: count > 0 && isHealthy ? 200 : 503,
    headers: {
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
      "x-load-balancing-endpoint-weight": String(count),
    },
    body: JSON.stringify(body, undefined, "\t"),
  };
}
