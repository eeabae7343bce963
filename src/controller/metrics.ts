// The controller's Prometheus metrics, all in one table. Names follow the Prometheus conventions: base units, `_total`
// for counters. The caller provides the registry, so a test or a second controller has its own.

import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import { parts, type Troubles } from "./health.ts";
import type { PolicySummary } from "./policySummary.ts";

const quick = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface ControllerMetrics {
  readonly planSeconds: Histogram<"kind">;
  readonly birthSeconds: Histogram<"step">;
  readonly inForceSeconds: Histogram;
  readonly transactionSeconds: Histogram;
  readonly transactionOperations: Histogram;
  readonly refused: Counter;
  readonly drift: Counter;
  readonly leader: Gauge;
}

/** What the gauges read at each scrape. */
export interface Readings {
  readonly queueDepth: () => number;
  readonly queueFailing: () => number;
  readonly podsByState: () => ReadonlyMap<string, number>;
  readonly heldDeletions: () => number;
  readonly troubles: () => Troubles;
  /** Those that this leader knows; none where another controller leads. */
  readonly agents: () => { readonly all: number; readonly silent: number };
  /** On the leader. */
  readonly policies: () => Omit<PolicySummary, "first">;
  readonly unlisted: () => ReadonlyMap<string, number>;
}

export function controllerMetrics(registry: Registry, readings: Readings): ControllerMetrics {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const reading = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  reading("weft_queue_depth", "Owners waiting to be planned or being planned", readings.queueDepth);
  reading("weft_queue_failing", "Owners whose last plan failed", readings.queueFailing);
  reading(
    "weft_prune_held_rows",
    "Rows that the prune guard keeps from deletion or loss",
    readings.heldDeletions,
  );
  new Gauge({
    name: "weft_part_up",
    help: "1 while this works: api (every kind is followed), southbound (its database is connected), northd (it follows the northbound database), agents (all are heard; known to the leader), ranges (none is a network of the cloud's router too)",
    labelNames: ["part"] as const,
    registers,
    collect() {
      const troubles = readings.troubles();
      for (const part of parts) this.set({ part }, troubles.has(part) ? 0 : 1);
    },
  });
  new Gauge({
    name: "weft_agents",
    help: "Agents by state: heard, silent; on the leader",
    labelNames: ["state"] as const,
    registers,
    collect() {
      const { all, silent } = readings.agents();
      this.set({ state: "heard" }, all - silent);
      this.set({ state: "silent" }, silent);
    },
  });
  new Gauge({
    name: "weft_policies",
    help: "Policies by state: in force, settling (on their way), late (not in force after five seconds, or no longer everywhere); on the leader",
    labelNames: ["state"] as const,
    registers,
    collect() {
      const { inForce, settling, late } = readings.policies();
      this.set({ state: "in force" }, inForce);
      this.set({ state: "settling" }, settling);
      this.set({ state: "late" }, late);
    },
  });
  new Gauge({
    name: "weft_pods",
    help: "Pods by state: unscheduled, waiting (for an address), addressed, bound, installed, outside (host network or finished)",
    labelNames: ["state"] as const,
    registers,
    collect() {
      this.reset();
      for (const [state, count] of readings.podsByState()) this.set({ state }, count);
    },
  });
  new Gauge({
    name: "weft_unlisted_objects",
    help: "Objects by kind that the API server no longer lists and that are not known to be gone",
    labelNames: ["kind"] as const,
    registers,
    collect() {
      for (const [kind, count] of readings.unlisted()) this.set({ kind }, count);
    },
  });
  return {
    planSeconds: new Histogram({
      name: "weft_plan_seconds",
      help: "Time to plan one owner, decisions included",
      labelNames: ["kind"] as const,
      buckets: quick,
      registers,
    }),
    birthSeconds: new Histogram({
      name: "weft_pod_birth_step_seconds",
      help: "Time from the step before: seen, decided, committed, bound, installed",
      labelNames: ["step"] as const,
      buckets: quick,
      registers,
    }),
    inForceSeconds: new Histogram({
      name: "weft_policy_in_force_seconds",
      help: "Time from seeing a policy until it is in force on every chassis that carries a pod it selects",
      buckets: quick,
      registers,
    }),
    transactionSeconds: new Histogram({
      name: "weft_transaction_seconds",
      help: "Time from sending a northbound transaction to its answer",
      buckets: quick,
      registers,
    }),
    transactionOperations: new Histogram({
      name: "weft_transaction_operations",
      help: "Operations in one northbound transaction",
      buckets: [1, 3, 10, 30, 100, 300, 1000, 3000],
      registers,
    }),
    refused: new Counter({ name: "weft_refused_total", help: "Atoms that the database refused", registers }),
    drift: new Counter({
      name: "weft_drift_total",
      help: "Rows of Weft that someone else changed and Weft put back",
      registers,
    }),
    leader: new Gauge({ name: "weft_leader", help: "1 while this controller leads", registers }),
  };
}
