// How many policies are in force, as the leader writes it on the controllers' Lease and `weft status` reads it there.

import { isRecord, record, text } from "../kube/json.ts";

export interface PolicySummary {
  readonly inForce: number;
  /** Policies that have been on their way for only a short time. */
  readonly settling: number;
  /** Those that are not in force although they should be. */
  readonly late: number;
  /** The first of these. */
  readonly first: readonly LatePolicy[];
}

export interface LatePolicy {
  readonly kind: string;
  /** `shop/closed`, or the name alone where policies have no namespace. */
  readonly policy: string;
  /** What has to come about next, for people. */
  readonly waitsFor: string;
}

export const noPolicies: PolicySummary = { inForce: 0, settling: 0, late: 0, first: [] };

/** How many late policies the annotation names. */
export const mostNamed = 10;

/** The annotation; undefined when there are no policies. */
export const policySummaryText = (summary: PolicySummary): string | undefined =>
  summary.inForce + summary.settling + summary.late === 0 ? undefined : JSON.stringify(summary);

/** What the annotation says; undefined when that is nothing, or not readable. */
export function policySummaryIn(annotation: string): PolicySummary | undefined {
  const said = parsed(annotation);
  if (!said) return undefined;
  const [inForce, settling, late] = [said["inForce"], said["settling"], said["late"]].map(count);
  if (inForce === undefined || settling === undefined || late === undefined) return undefined;
  const first = Array.isArray(said["first"]) ? said["first"].map(record) : [];
  const named = first.map(({ kind, policy, waitsFor }) => ({
    kind: text(kind),
    policy: text(policy),
    waitsFor: text(waitsFor),
  }));
  return { inForce, settling, late, first: named };
}

const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

function parsed(annotation: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(annotation);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
