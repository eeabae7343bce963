// The connectivity matrix: a row for each source, a column for each target, `4/4` when all paths work and `3/4 !` when
// one does not, so that a failure shows without colour. Below it, one line of explanation for each failure.

import type { Path, Place, Result } from "./paths.ts";

export interface Checked {
  readonly path: Path;
  readonly result: Result;
}

export function matrix(places: readonly Place[], checked: readonly Checked[]): string {
  const cells = new Map<string, { ok: number; all: number }>();
  for (const { path, result } of checked) {
    const key = `${path.from.name}>${path.to.name}`;
    const cell = cells.get(key) ?? { ok: 0, all: 0 };
    cells.set(key, { ok: cell.ok + (result.ok ? 1 : 0), all: cell.all + 1 });
  }
  const sources = places.filter((from) => places.some((to) => cells.has(`${from.name}>${to.name}`)));
  const table = [
    ["from \\ to", ...places.map((to) => to.name)],
    ...sources.map((from) => [
      from.name,
      ...places.map((to) => cellText(cells.get(`${from.name}>${to.name}`))),
    ]),
  ];
  return [...aligned(table), ...failures(checked)].join("\n");
}

function cellText(cell: { ok: number; all: number } | undefined): string {
  if (!cell) return "·";
  return cell.ok === cell.all ? `${cell.ok}/${cell.all}` : `${cell.ok}/${cell.all} !`;
}

function aligned(table: readonly (readonly string[])[]): string[] {
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? "").length)),
  );
  return table.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function failures(checked: readonly Checked[]): string[] {
  return checked
    .filter(({ result }) => !result.ok)
    .map(({ path, result }) => {
      const target = path.way === "icmp" ? path.address : `${path.address} port ${path.port}`;
      return `failed: ${path.from.name} to ${path.to.name}, ${path.way} ${target}: ${result.words}`;
    });
}
