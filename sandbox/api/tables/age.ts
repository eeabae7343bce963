// How kubectl's tables write time spans: `45s`, `3m20s`, `2d4h` (k8s.io/apimachinery, pkg/util/duration).

import { textAt } from "../json.ts";
import { type Column, text } from "../kinds/kind.ts";

export function spanText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 0) return seconds < -1 ? "<invalid>" : "0s";
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const two = (large: number, unit: string, rest: number, small: string): string =>
    rest === 0 ? `${large}${unit}` : `${large}${unit}${rest}${small}`;
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  if (days < 8) return two(days, "d", hours % 24, "h");
  return days < 730 ? `${days}d` : `${Math.floor(days / 365)}y`;
}

export const sinceText = (time: string, now: number): string =>
  time === "" ? "<unknown>" : spanText(now - Date.parse(time));

export const ageColumn: Column = text("Age", (object, now) =>
  sinceText(textAt(object, "metadata", "creationTimestamp"), now),
);
