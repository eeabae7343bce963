// The keeper's Prometheus metrics.

import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";
import type { Keeper } from "./keeper.ts";

export function keeperMetrics(registry: Registry, states: () => Keeper["states"]): void {
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: (state: RaftState) => number): Gauge =>
    new Gauge({
      ...{ name, help },
      labelNames: ["database"] as const,
      registers: [registry],
      collect() {
        this.reset();
        for (const [database, state] of states())
          if (state !== "standalone") this.set({ database }, read(state));
      },
    });
  gauge("weft_raft_leader", "1 where this member leads the cluster of the database", ({ leads }) =>
    leads ? 1 : 0,
  );
  gauge(
    "weft_raft_servers",
    "Servers that count for the majority of the database's cluster; more than there are members while one is dead",
    ({ servers }) => servers.length,
  );
}

type RaftState = Exclude<Keeper["states"] extends ReadonlyMap<infer _, infer S> ? S : never, "standalone">;
