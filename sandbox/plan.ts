// Every process of a sandbox: where it runs, what it runs, what must be ready before it starts and how it shows that it
// is ready itself. The entries stand in ovn/processes.ts and processes.ts beside this file; here they are put together.

import { baseEnvironment, hostEnvironment } from "./environment.ts";
import type { Host, Layout } from "./layout.ts";
import { centralProcesses, nodeProcesses } from "./ovn/processes.ts";
import type { ProcessSpec } from "./process/record.ts";
import { kubernetesProcesses, weftProcesses } from "./processes.ts";

/** A process as the tables write it down. */
export interface PlannedProcess {
  readonly name: string;
  /** What a user sees of it: a line of progress when all of the stage are ready. */
  readonly stage: string;
  /** Without it, the process runs in the machine's own network namespace. */
  readonly on?: Host;
  readonly run: readonly string[];
  /** Names of the processes that must be ready first. */
  readonly after?: readonly string[];
  readonly ready?: ProcessSpec["ready"];
}

export function processesOf(layout: Layout): readonly PlannedProcess[] {
  const ovn = [...centralProcesses(layout), ...layout.nodeHosts.flatMap(nodeProcesses)];
  return layout.parts === "ovn" ? ovn : [...ovn, ...kubernetesProcesses(layout), ...weftProcesses(layout)];
}

/** What the supervisor starts for it. */
export const specOf = (layout: Layout, { name, on, run, ready }: PlannedProcess): ProcessSpec => ({
  name,
  argv: [...run],
  env: on ? hostEnvironment(layout, on) : baseEnvironment(layout),
  ...(on && { netns: on.netns }),
  ...(ready && { ready }),
});
