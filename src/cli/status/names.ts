// What is known of the domain names that policies allow.

import type { LearnedName } from "../../kube/learnedName.ts";

export interface NamesReport {
  /** Names, and patterns with a star. */
  readonly patterns: number;
  /** How many addresses they have now. */
  readonly addresses: number;
  /** Those whose last answer is not in force on all nodes yet. */
  readonly waiting: readonly string[];
}

export const namesReport = (names: readonly LearnedName[], nowMs: number): NamesReport => ({
  patterns: names.length,
  addresses: new Set(
    names.flatMap(({ addresses }) =>
      [...addresses].flatMap(([ip, { untilMs }]) => (untilMs > nowMs ? [ip] : [])),
    ),
  ).size,
  waiting: names.filter(({ generation, inForce }) => inForce < generation).map(({ pattern }) => pattern),
});

/** `, 2 domain names with 7 addresses`; blank when no policy has one. */
export const namesText = (report: NamesReport | undefined): string => {
  if (!report || report.patterns === 0) return "";
  const { patterns, addresses, waiting } = report;
  const names = `${patterns} domain ${patterns === 1 ? "name" : "names"}`;
  const late = waiting.length === 0 ? "" : ` (${waiting.length} on the way)`;
  return `, ${names} with ${addresses} ${addresses === 1 ? "address" : "addresses"}${late}`;
};
