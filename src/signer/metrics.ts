// The signer's Prometheus metrics.

import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

/** `ends`: Secret ▶ when its certificate ends, in milliseconds since 1970, read at each scrape. */
export function signerMetrics(registry: Registry, ends: () => ReadonlyMap<string, number>): void {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "weft_certificate_end_timestamp_seconds",
    help: "When the certificate in a Secret ends, in seconds since 1970",
    labelNames: ["secret"] as const,
    registers: [registry],
    collect() {
      for (const [secret, end] of ends()) this.set({ secret }, end / 1000);
    },
  });
}
