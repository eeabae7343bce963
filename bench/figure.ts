// A figure is a measured number beside its limit: the same thing done in the same run without Weft, or a fixed aim.
// Ratios survive a slow machine, absolute times do not; so a figure is judged by its ratio wherever there is a limit.

import { blockRatios } from "./inTurn.ts";
import { quantile } from "./quantile.ts";
import { spreadOf } from "./spread.ts";

export type Unit =
  | "ms"
  | "s"
  | "MB"
  | "per s"
  | "operations"
  | "pods"
  | "facts"
  | "flows"
  | "Services"
  | "requests";

export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly value: number;
  /** What it is held against, measured in the same run: `bare` for the same wiring without Weft. */
  readonly limit?: { readonly name: string; readonly value: number };
  /** What was measured again and again: the ratio to the limit where there is one, otherwise the value. */
  readonly each?: readonly number[];
  /** At most this ratio to the limit, or without a limit at most this value; `per s` figures: at least. */
  readonly aim?: number;
}

export interface Bench {
  readonly name: string;
  /** What is measured, how often, in one sentence. */
  readonly about: string;
  readonly run: (progress: (line: string) => void) => Promise<readonly Figure[]>;
}

interface Measured {
  readonly blocks: readonly (readonly number[])[];
}

export interface Compared {
  readonly name: string;
  readonly unit: Unit;
  /** Which quantile: 0.5 unless it is given. */
  readonly share?: number;
  readonly own: Measured;
  readonly limit: { readonly name: string; readonly side: Measured };
  readonly aim?: number | undefined;
}

/** Two sides measured in turn. A block that is too small for the quantile gives no ratio of its own. */
export function compared({ name, unit, share = 0.5, own, limit, aim }: Compared): Figure {
  const of = (values: readonly number[]): number => quantile(values, share);
  const isLarge = share <= 0.5 || own.blocks.every((block) => block.length * (1 - share) >= 1);
  return {
    name,
    unit,
    value: of(own.blocks.flat()),
    limit: { name: limit.name, value: of(limit.side.blocks.flat()) },
    ...(isLarge && { each: blockRatios(own.blocks, limit.side.blocks, of) }),
    ...(aim !== undefined && { aim }),
  };
}

/** The median of what was measured several times, without a limit beside it. */
export const repeated = (name: string, unit: Unit, each: readonly number[], aim?: number): Figure => ({
  name,
  unit,
  value: quantile(each, 0.5),
  each,
  ...(aim !== undefined && { aim }),
});

/** The median of the blocks' ratios, or value ÷ limit; undefined when the figure has no limit. */
export const ratioOf = ({ value, limit, each }: Figure): number | undefined =>
  limit && (each ? quantile(each, 0.5) : value / limit.value);

/** Whether the aim is met; undefined without an aim. */
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
      spreadText(figure),
      figure.aim === undefined
        ? ""
        : `${figure.unit === "per s" ? "≥" : "≤"} ${figure.aim}${ratio === undefined ? "" : "×"}`,
      met === undefined ? "" : met ? "met" : "MISSED",
    ];
  });
  const all = [["figure", "measured", "limit", "ratio", "middle half", "aim", ""], ...rows];
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

/** `1.02 to 1.10 of 12`: of the ratios where there is a limit, otherwise of the values. */
function spreadText({ each, limit }: Figure): string {
  if (!each) return "";
  const { low, high, count, isSteady } = spreadOf(each);
  const [from, to] = [low, high].map((bound) => (limit ? bound.toFixed(2) : short(bound)));
  return `${from} to ${to} of ${count}${isSteady ? "" : ", unsteady"}`;
}

const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3);
