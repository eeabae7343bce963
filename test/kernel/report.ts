// What the guest tells the machine that runs it, one JSON object a line, and the table that is made of it.

import * as v from "valibot";

const schema = v.variant("event", [
  v.object({ event: v.literal("begins"), part: v.string() }),
  v.object({
    event: v.literal("ends"),
    part: v.string(),
    passed: v.boolean(),
    words: v.string(),
    /** By the clock of the virtual machine. */
    seconds: v.number(),
  }),
  v.object({ event: v.literal("done") }),
]);

export type Report = v.InferOutput<typeof schema>;
export type Ended = Extract<Report, { event: "ends" }>;

/** Throws when the line is not a report, such as the last words of a kernel. */
export const parseReport = (line: string): Report => v.parse(schema, JSON.parse(line));

export function table(results: readonly Ended[]): string {
  const width = Math.max(...results.map(({ part }) => part.length));
  return results
    .map(({ part, passed, words, seconds }) =>
      [passed ? "ok  " : "FAIL", part.padEnd(width), `${seconds} s`.padStart(7), words].join("  "),
    )
    .join("\n");
}
