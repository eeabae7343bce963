// The agent's Prometheus metrics, all in one table. The registry is the caller's.

import { collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";

/** What a pod's start waits for, in order: its address, its link, br-int's port, and OVN's flows. */
export type Phase = "address" | "link" | "port" | "installed";

export interface AgentMetrics {
  readonly requestSeconds: Histogram<"command" | "code">;
  readonly phaseSeconds: Histogram<"phase">;
}

/** What the gauges ask for when they are scraped. */
export interface Readings {
  readonly attachments: () => number;
  /** Undefined when pods can be attached. */
  readonly notReady: () => string | undefined;
}

export function agentMetrics(registry: Registry, readings: Readings): AgentMetrics {
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "weft_" });
  const buckets = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90];
  new Gauge({
    name: "weft_cni_attachments",
    help: "Pod interfaces that are plugged into br-int",
    registers,
    collect() {
      this.set(readings.attachments());
    },
  });
  new Gauge({
    name: "weft_node_ready",
    help: "1 while pods can be attached to this node",
    registers,
    collect() {
      this.set(readings.notReady() === undefined ? 1 : 0);
    },
  });
  return {
    requestSeconds: new Histogram({
      name: "weft_cni_request_seconds",
      help: "Time from a request of the container runtime to its answer; code 0 is success",
      labelNames: ["command", "code"] as const,
      buckets,
      registers,
    }),
    phaseSeconds: new Histogram({
      name: "weft_cni_add_phase_seconds",
      help: "Time of one step of ADD: address, link, port, installed",
      labelNames: ["phase"] as const,
      buckets,
      registers,
    }),
  };
}
