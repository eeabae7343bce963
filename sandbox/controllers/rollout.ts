// How a Deployment replaces old pods by new ones. Pure: takes and returns numbers of replicas, by the rules of the real
// controller: never more than replicas + maxSurge pods, never fewer available than replicas - maxUnavailable.

import { createHash } from "node:crypto";
import type { Deployment, PodTemplate } from "../client/objects.ts";

/** A ReplicaSet as a rollout sees it. */
export interface Generation {
  readonly replicas: number;
  /** All its pods, including those being deleted. */
  readonly pods: number;
  readonly available: number;
}

export interface Scaling {
  readonly current: number;
  /** In the order of `old`. */
  readonly old: readonly number[];
}

/** The next step: the size of each ReplicaSet now. Repeating it until nothing changes completes the rollout. */
export function rolloutStep(
  deployment: Deployment,
  current: Generation,
  old: readonly Generation[],
): Scaling {
  const replicas = deployment.spec.replicas ?? 1;
  if (deployment.spec.strategy?.type === "Recreate") {
    const oldGone = old.every(({ replicas: left, pods }) => left === 0 && pods === 0);
    return { current: oldGone ? replicas : current.replicas, old: old.map(() => 0) };
  }
  const { surge, unavailable } = limitsOf(deployment, replicas);
  const oldReplicas = sum(old.map((one) => one.replicas));
  const room = Math.max(0, replicas + surge - current.replicas - oldReplicas);
  const next = Math.min(replicas, current.replicas + room);
  return { current: next, old: scaledDown(replicas - unavailable, current, old) };
}

/** Unavailable pods go first, at no cost. Of the others, as many go as the new pods have replaced. */
function scaledDown(minAvailable: number, current: Generation, old: readonly Generation[]): number[] {
  const currentUnavailable = Math.max(0, current.replicas - current.available);
  const total = current.replicas + sum(old.map(({ replicas }) => replicas));
  let budget = Math.max(0, total - minAvailable - currentUnavailable);
  const healthy = old.map(({ replicas, available }) => {
    const cut = Math.min(Math.max(0, replicas - available), budget);
    budget -= cut;
    return replicas - cut;
  });
  const available = current.available + sum(old.map((one) => one.available));
  let spare = Math.max(0, Math.min(budget, available - minAvailable));
  return healthy.map((replicas) => {
    const cut = Math.min(replicas, spare);
    spare -= cut;
    return replicas - cut;
  });
}

/** Percentages are of the replicas: surge is rounded up, unavailable down. They may not both be zero. */
function limitsOf({ spec }: Deployment, replicas: number): { surge: number; unavailable: number } {
  const { maxSurge = "25%", maxUnavailable = "25%" } = spec.strategy?.rollingUpdate ?? {};
  const surge = portion(maxSurge, replicas, Math.ceil);
  const unavailable = portion(maxUnavailable, replicas, Math.floor);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

export function portion(value: number | string, whole: number, round: (x: number) => number): number {
  if (typeof value === "number") return value;
  return round((Number(value.replace("%", "")) / 100) * whole);
}

/** The label pod-template-hash. The order of fields, nulls and empty objects make no difference. */
export function templateHash(template: PodTemplate): string {
  const digest = createHash("sha256")
    .update(JSON.stringify(sorted(template)))
    .digest();
  // The alphabet of Kubernetes' own hashes, which forms no words.
  return [...digest.subarray(0, 10)].map((byte) => "bcdfghjklmnpqrstvwxz2456789"[byte % 27]).join("");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => !isEmpty(inner))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === "object" && Object.keys(value).length === 0);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
