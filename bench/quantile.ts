/** The nearest-rank quantile: `quantile(values, 0.99)`. The values need not be sorted. Fails when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error("a quantile of nothing");
  return value;
}
