// The memory and the open files of a sandbox's processes. A leak of a campaign shows as growth; noise does not reach the
// limits.

import { readdirSync, readFileSync } from "node:fs";
import { unlessGone } from "../../sandbox/process/procfs.ts";
import type { Supervisor } from "../../sandbox/process/supervisor.ts";

export interface Footprint {
  readonly residentMb: number;
  readonly files: number;
}

/** A garbage collector's heap breathes, and a database server keeps what it once needed. */
const mostGrowth = { residentMb: 80, times: 2, files: 24 };

/** By name, for those that run. */
export function footprints(processes: Supervisor): ReadonlyMap<string, Footprint> {
  return new Map(
    processes.names().flatMap((name) => {
      const { pid } = processes.record(name);
      const status = unlessGone(() => readFileSync(`/proc/${pid}/status`, "utf8")) ?? "";
      const files = unlessGone(() => readdirSync(`/proc/${pid}/fd`).length);
      const resident = /^VmRSS:\s+(?<kb>\d+) kB$/m.exec(status)?.groups?.["kb"];
      if (files === undefined || resident === undefined) return [];
      return [[name, { residentMb: Math.round(Number(resident) / 1024), files }] as const];
    }),
  );
}

/** A line for each process that has grown more than can be explained. */
export function growth(
  before: ReadonlyMap<string, Footprint>,
  after: ReadonlyMap<string, Footprint>,
): readonly string[] {
  return [...after].flatMap(([name, now]) => {
    const then = before.get(name);
    if (!then) return [];
    const isLarge =
      now.residentMb > then.residentMb + mostGrowth.residentMb &&
      now.residentMb > then.residentMb * mostGrowth.times;
    return [
      ...(isLarge ? [`${name} has grown from ${then.residentMb} to ${now.residentMb} MB`] : []),
      ...(now.files > then.files + mostGrowth.files
        ? [`${name} has ${now.files} open files and had ${then.files}`]
        : []),
    ];
  });
}
