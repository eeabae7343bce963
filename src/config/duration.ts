// Lengths of time as people write them: 90d, 12h, 10m, 30s.

import { InvalidArgumentError } from "commander";

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds, from one second to a hundred years. */
export function duration(text: string): number {
  const [, digits = "", unit = ""] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (units[unit] ?? 0);
  if (ms > 0 && ms <= 36_500 * 86_400_000) return ms;
  throw new InvalidArgumentError("expected a duration such as 90d, 12h, 10m or 30s, at most 36500d");
}
