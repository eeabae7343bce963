// The report of `weft check` for people: the verdict first, each finding with place, reason and remedy, the next command last.

import type { CheckReport, Finding } from "./finding.ts";

export function printed({ sentence, findings, unknown, next }: CheckReport): string {
  const wrong = findings.filter(({ severity }) => severity !== "fine");
  const right = findings.filter(({ severity }) => severity === "fine");
  return [
    [sentence],
    ...wrong.map(paragraph),
    unknown.map((sentence) => `cannot tell: ${sentence}`),
    right.map(({ what, where }) => `fine     ${what} (${where})`),
    [`next: ${next}`],
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

const paragraph = ({ severity, what, where, why, mend }: Finding): readonly string[] => [
  `${severity.padEnd(7)}  ${what}`,
  `         where: ${where}`,
  `         why:   ${why}`,
  `         mend:  ${mend}`,
];
