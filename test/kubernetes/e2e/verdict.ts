// What a run says about Weft: each spec passed, failed, or is excused, and each excuse must still be true. Pure: specs and
// excuses in, rows out.

import type { Spec } from "./specReport.ts";

export interface Excuse {
  /** Part of the names of the specs that it is about. */
  readonly specs: RegExp;
  /** `environment`: this machine has not what they need. `not served`: Weft does not yet. `upstream`: the spec is wrong. */
  readonly cause: "environment" | "not served" | "upstream";
  readonly reason: string;
  /** They are not even run: each would wait ten minutes for something that nobody here makes, or take hours. */
  readonly isTried?: false;
}

export interface Row {
  readonly name: string;
  readonly group: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why, unless it passed. */
  readonly reason: string;
  readonly seconds: number;
}

/**
 * The rows of all specs that ran, and of those of `focus` that are never tried. An excuse holds for a spec that fails or
 * skips itself.
 */
export function rowsOf(specs: readonly Spec[], excuses: readonly Excuse[], focus: RegExp): readonly Row[] {
  const excuseOf = ({ name }: Spec): Excuse | undefined => excuses.find((excuse) => excuse.specs.test(name));
  const ran = specs.filter(({ state }) => state !== "not run");
  const untried = specs.filter(
    (spec) => spec.state === "not run" && focus.test(spec.name) && excuseOf(spec)?.isTried === false,
  );
  const unknown = excuses.filter((excuse) => !specs.some(({ name }) => excuse.specs.test(name)));
  return [
    ...ran.map((spec): Row => rowOf(spec, excuseOf(spec))),
    ...untried.map((spec): Row => ({ ...rowOf(spec, excuseOf(spec)), outcome: "skipped" })),
    ...unknown.map(({ specs: pattern }): Row => {
      const reason = "no spec has such a name; mend the entry in excuses.ts, or remove it";
      return { name: String(pattern), group: "excuses.ts", outcome: "failed", reason, seconds: 0 };
    }),
  ];
}

/** The specs that are never tried, as Ginkgo takes it. */
export const untriedPattern = (excuses: readonly Excuse[]): string =>
  excuses
    .filter(({ isTried }) => isTried === false)
    .map(({ specs }) => specs.source)
    .join("|");

function rowOf({ name, group, state, message, seconds }: Spec, excuse: Excuse | undefined): Row {
  const row = { name, group, seconds };
  if (state === "skipped") return { ...row, outcome: "skipped", reason: `by itself: ${message}` };
  if (!excuse) return { ...row, outcome: state === "passed" ? "passed" : "failed", reason: message };
  const words = `${excuse.cause}: ${excuse.reason}`;
  if (state === "passed")
    return {
      ...row,
      outcome: "failed",
      reason: `it passes, but excuses.ts says "${words}"; remove the entry`,
    };
  return { ...row, outcome: "skipped", reason: words };
}

/** How many rows have each outcome. */
export const countsOf = (rows: readonly Row[]): Readonly<Record<Row["outcome"], number>> => {
  const count = (outcome: Row["outcome"]): number => rows.filter((row) => row.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
};
