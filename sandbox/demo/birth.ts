// The time of each step of one pod's birth, from the controller's log: it writes one line for each pod that is born.

import { readFileSync } from "node:fs";
import { birthSteps, type Timeline } from "../../src/controller/births.ts";

/** The timeline of `pod` (`shop/web-n1`), or undefined when the log has none, as after a restart of the controller. */
export function birthOf(logFile: string, pod: string): Timeline | undefined {
  for (const line of readFileSync(logFile, "utf8").split("\n")) {
    if (!line.includes('"pod born"') || !line.includes(JSON.stringify(pod))) continue;
    const { timeline }: { timeline: Timeline } = JSON.parse(line);
    return timeline;
  }
  return undefined;
}

/** `seen 0.0 ms ▶ decided 12.1 ms (+12.1) ▶ …` */
export function printedBirth(timeline: Timeline): string {
  let previous = 0;
  return birthSteps
    .map((step) => {
      const at = timeline[step] ?? 0;
      const text = step === "seen" ? "seen" : `${step} ${at.toFixed(1)} ms (+${(at - previous).toFixed(1)})`;
      previous = at;
      return text;
    })
    .join(" ▶ ");
}
