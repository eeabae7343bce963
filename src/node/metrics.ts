// The agent's Prometheus metrics, all in one table. The caller owns the registry.

import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import type { Part, Problem } from "./health/dataPlane.ts";
import type { ClaimOutcome } from "./pool/pooledAddresses.ts";
import type { CachedPort } from "./pool/queueRow.ts";
import type { Phase } from "./runtime/attachments.ts";
import type { Handled } from "./runtime/commands.ts";

export interface AgentMetrics {
  readonly handled: (request: Handled) => void;
  readonly phaseTook: (phase: Phase, seconds: number) => void;
  readonly poolClaims: (outcome: ClaimOutcome) => void;
  /** Something that the agent had set on the node was put back. */
  readonly repaired: () => void;
}

/** Read by the gauges when they are scraped. */
export interface Readings {
  readonly attachments: () => number;
  /** Undefined when pods can be attached. */
  readonly notReady: () => string | undefined;
  /** Undefined when the node has all it had towards the outside. */
  readonly degraded: () => unknown;
  readonly faults: () => ReadonlyMap<Part, Problem | undefined>;
  /** The ports of the node's pool; empty where addresses are assigned. */
  readonly poolPorts: () => readonly CachedPort[];
}

export function agentMetrics(registry: Registry): AgentMetrics {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const buckets = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90];
  const claims = new Counter({
    name: "weft_pool_claims_total",
    help: "Requests for a port of the pool by outcome: open, closed, again (the container had it already) or none",
    labelNames: ["outcome"] as const,
    registers,
  });
  const repairs = new Counter({
    name: "weft_node_repairs_total",
    help: "How often the agent has put back something on the node that somebody had changed",
    registers,
  });
  const requestSeconds = new Histogram({
    name: "weft_cni_request_seconds",
    help: "Time from a request of the container runtime to its answer; code 0 is success",
    labelNames: ["command", "code"] as const,
    buckets,
    registers,
  });
  const phaseSeconds = new Histogram({
    name: "weft_cni_add_phase_seconds",
    help: "Time of one step of ADD: address, link, port, installed",
    labelNames: ["phase"] as const,
    buckets,
    registers,
  });
  return {
    repaired: () => repairs.inc(),
    poolClaims: (outcome) => claims.inc({ outcome }),
    handled: ({ command, error, seconds }) =>
      requestSeconds.observe({ command, code: String(error?.code ?? 0) }, seconds),
    phaseTook: (phase, seconds) => phaseSeconds.observe({ phase }, seconds),
  };
}

/** Metrics that are read at every scrape. */
export function agentGauges(registry: Registry, readings: Readings): void {
  const registers = [registry];
  new Gauge({
    name: "weft_cni_attachments",
    help: "Pod interfaces that are plugged into the node's bridge",
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
  new Gauge({
    name: "weft_node_degraded",
    help: "1 while the node has lost an address of the external bridge or the default route through it, or ports of Services and pods could not be written",
    registers,
    collect() {
      this.set(readings.degraded() === undefined ? 0 : 1);
    },
  });
  new Gauge({
    name: "weft_node_part_up",
    help: "1 while this part of the node's data plane works: ovsdb-server, ovs-vswitchd, ovn-controller, southbound (ovn-controller's connection), br-int (its flows)",
    labelNames: ["part"] as const,
    registers,
    collect() {
      this.reset();
      for (const [part, fault] of readings.faults()) this.set({ part }, fault ? 0 : 1);
    },
  });
  new Gauge({
    name: "weft_pool_ports",
    help: "Ports of the node's pool: open and closed are ready to be claimed",
    labelNames: ["state"] as const,
    registers,
    collect() {
      for (const state of poolStates) this.set({ state }, 0);
      for (const port of readings.poolPorts()) this.inc({ state: stateOf(port) });
    },
  });
}

const poolStates = ["open", "closed", "claimed", "resting", "spent"] as const;

const stateOf = ({ open, use }: CachedPort): (typeof poolStates)[number] =>
  use.state === "ready" ? (open ? "open" : "closed") : use.state;
