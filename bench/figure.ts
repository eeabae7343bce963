// A figure is a measured number beside its limit: the same thing done in the same run without Weft, or a fixed aim.
// Ratios survive a slow machine, absolute times do not. So a figure is judged by its ratio wherever it has a limit.

export interface Figure {
  readonly name: string;
  readonly unit: "ms" | "s" | "MB" | "per s" | "operations" | "pods" | "facts" | "Services";
  readonly value: number;
  /** What it is compared with, measured in the same run: `bare` is the same wiring without Weft. */
  readonly limit?: { readonly name: string; readonly value: number };
  /**
   * The highest allowed ratio to the limit or, without a limit, the highest allowed value. For `per s` figures: the
   * lowest.
   */
  readonly aim?: number;
}

export interface Bench {
  readonly name: string;
  /** What is measured and how often, in one sentence. */
  readonly about: string;
  readonly run: (progress: (line: string) => void) => Promise<readonly Figure[]>;
}

/** The nearest-rank quantile: `quantile(values, 0.99)`. The values need not be sorted. Throws when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error("a quantile of nothing");
  return value;
}

/** Value ÷ limit, or undefined when the figure has no limit. */
export const ratioOf = (figure: Figure): number | undefined =>
  figure.limit && figure.value / figure.limit.value;

/** Whether the aim is met; undefined when there is none. */
export function meets(figure: Figure): boolean | undefined {
  if (figure.aim === undefined) return undefined;
  const measured = ratioOf(figure) ?? figure.value;
  return figure.unit === "per s" ? measured >= figure.aim : measured <= figure.aim;
}

export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const ratio = ratioOf(figure);
    const met = meets(figure);
    return [
      figure.name,
      `${short(figure.value)} ${figure.unit}`,
      figure.limit ? `${figure.limit.name} ${short(figure.limit.value)} ${figure.unit}` : "",
      ratio === undefined ? "" : `${ratio.toFixed(2)}×`,
      figure.aim === undefined
        ? ""
        : `${figure.unit === "per s" ? "≥" : "≤"} ${figure.aim}${ratio === undefined ? "" : "×"}`,
      met === undefined ? "" : met ? "met" : "MISSED",
    ];
  });
  const all = [["figure", "measured", "limit", "ratio", "aim", ""], ...rows];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3);
