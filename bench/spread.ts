// How far apart the measurements of one figure are, and whether there are enough of them.

import { quantile } from "./quantile.ts";

export interface Spread {
  readonly median: number;
  /** The middle half lies between these. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** The median is known to within `steadyShare` of itself. */
  readonly isSteady: boolean;
}

const steadyShare = 0.05;

/**
 * The 95 % interval of a median is about ±1.57 × (middle half) / √count: McGill, Tukey, Larsen, "Variations of Box Plots",
 * The American Statistician 32 (1978).
 */
export function spreadOf(values: readonly number[]): Spread {
  const [low, median, high] = [quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)];
  const uncertainty = (1.57 * (high - low)) / Math.sqrt(values.length);
  return { median, low, high, count: values.length, isSteady: uncertainty <= steadyShare * median };
}
