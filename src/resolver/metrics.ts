// The resolver's Prometheus metrics.

import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import type { ResolverMetrics } from "./resolver.ts";

/** `patterns`: how many names and patterns policies allow, read at each scrape. */
export function resolverMetrics(registry: Registry, patterns: () => number): ResolverMetrics {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const questions = new Counter({
    name: "weft_resolver_questions_total",
    help: "Questions by transport, and whether a server answered",
    labelNames: ["transport", "answered"] as const,
    registers,
  });
  const held = new Histogram({
    name: "weft_resolver_held_seconds",
    help: "How long answers about names in policies were held, and whether their addresses were in force then",
    labelNames: ["in_force"] as const,
    buckets: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  });
  new Gauge({
    name: "weft_resolver_patterns",
    help: "Names and patterns that policies allow",
    registers,
    collect() {
      this.set(patterns());
    },
  });
  return {
    answered: (transport, isAnswered) => questions.inc({ transport, answered: String(isAnswered) }),
    held: (seconds, isInForce) => held.observe({ in_force: String(isInForce) }, seconds),
  };
}
