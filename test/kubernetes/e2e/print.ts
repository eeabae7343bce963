// The result of a run as text: what failed and what was skipped, with reasons; of what passed, the count for each group.

import { countsOf, type Row } from "./verdict.ts";

export function resultTable(rows: readonly Row[]): string {
  const groups = [...Map.groupBy(rows, ({ group }) => group)].toSorted(([a], [b]) => a.localeCompare(b));
  const conformance = rows.filter(({ name }) => name.includes("[Conformance]"));
  const lines = [["group", "passed", "failed", "skipped"]];
  for (const [group, members] of [
    ...groups,
    ["all", rows] as const,
    ["of these, Conformance", conformance] as const,
  ]) {
    const { passed, failed, skipped } = countsOf(members);
    lines.push([group, String(passed), String(failed), String(skipped)]);
  }
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  const reasons = (outcome: Row["outcome"]): string[] =>
    rows
      .filter((row) => row.outcome === outcome)
      .map(({ name, reason }) => `${outcome.padEnd(7)} ${name}\n        ${reason}`);
  return [
    ...reasons("skipped"),
    ...reasons("failed"),
    "",
    ...lines.map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
  ].join("\n");
}
