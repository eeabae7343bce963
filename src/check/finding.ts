// What `weft check` finds, and the verdict on all of it. A refusal is something that Weft would fail on or break; a
// warning is something to know. What is fine is listed too, to show what was checked.

import { counted } from "../model/counted.ts";

export interface Finding {
  readonly severity: "refusal" | "warning" | "fine";
  /** A sentence without a full stop. */
  readonly what: string;
  /** A file, an interface, a table, an object. */
  readonly where: string;
  /** Why it matters to Weft; "" for what is fine. */
  readonly why: string;
  /** The command or the change that mends it; "" for what is fine. */
  readonly mend: string;
}

export interface CheckReport {
  readonly verdict: "ready" | "not ready" | "cannot tell";
  readonly sentence: string;
  /** Worst first. */
  readonly findings: readonly Finding[];
  /** Sources that did not answer, each in a sentence. */
  readonly unknown: readonly string[];
  /** The command that helps now. */
  readonly next: string;
}

export interface Examined {
  /** `node n1`, `cluster weft`. */
  readonly subject: string;
  readonly findings: readonly Finding[];
  readonly unknown: readonly string[];
  /** The command to run when nothing is refused. */
  readonly whenReady: string;
}

export const fine = (what: string, where: string): Finding => ({
  severity: "fine",
  what,
  where,
  why: "",
  mend: "",
});

const order = ["refusal", "warning", "fine"] as const;

/** A refusal outweighs what could not be asked: mending it helps in any case. */
export function reportOf({ subject, findings, unknown, whenReady }: Examined): CheckReport {
  const sorted = findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  const refusals = sorted.filter(({ severity }) => severity === "refusal");
  const warnings = sorted.filter(({ severity }) => severity === "warning");
  const [worst] = refusals;
  const verdict = worst ? "not ready" : unknown.length > 0 ? "cannot tell" : "ready";
  const beside = warnings.length > 0 ? `${counted(warnings.length, "warning")}, the first: ` : "";
  const said = {
    "not ready": `${counted(refusals.length, "refusal")}, the worst: ${worst?.what} (${worst?.where})`,
    "cannot tell": unknown.join("; "),
    ready: warnings[0] ? `${beside}${warnings[0].what}` : "nothing is in Weft's way",
  }[verdict];
  return {
    verdict,
    sentence: `${verdict}: ${subject}: ${said}`,
    findings: sorted,
    unknown,
    next: worst?.mend ?? whenReady,
  };
}
