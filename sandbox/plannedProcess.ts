// An entry in the tables of processes: ovn/processes.ts and processes.ts, which plan.ts puts together.

import type { Host } from "./host.ts";
import type { ProcessSpec } from "./process/record.ts";

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
