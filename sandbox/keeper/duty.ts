// What the keeper should do about a process that does not run, judged by its record alone. A death is recorded once,
// and the process is started again, after a longer delay each time. One that keeps dying is left dead, because its
// cause has to be fixed first.

import type { ProcessRecord } from "../process/record.ts";

/** Deaths longer ago say nothing about the next one. */
export const recentMs = 10 * 60_000;
export const mostDeaths = 5;
const firstDelayMs = 500;

export type Duty = "nothing" | "note" | "start";

export function dutyTo(record: ProcessRecord, isAlive: boolean, nowMs: number): Duty {
  if (isAlive || record.stopped === true) return "nothing";
  if (record.noted !== true) return "note";
  const deaths = record.deaths ?? [];
  const dueMs = (deaths.at(-1) ?? 0) + delayAfter(deaths.length);
  return deaths.length < mostDeaths && nowMs >= dueMs ? "start" : "nothing";
}

/** The recent deaths, including one now. */
export const deathsWith = (record: ProcessRecord, nowMs: number): readonly number[] => [
  ...(record.deaths ?? []).filter((atMs) => nowMs - atMs < recentMs),
  nowMs,
];

/** How long a process stays dead after that many deaths: 0.5 s, 1 s, 2 s, 4 s. */
export const delayAfter = (deaths: number): number => firstDelayMs * 2 ** (deaths - 1);
