// An entry in the tables of processes (ovn/processes.ts and processes.ts), which plan.ts puts together.

import type { Host } from "./host.ts";
import type { ProcessSpec } from "./process/record.ts";

export interface PlannedProcess {
  readonly name: string;
  /** The stage that a user sees: one line of progress when all processes of the stage are ready. */
  readonly stage: string;
  /** Without a host, the process runs in the machine's own network namespace. */
  readonly on?: Host;
  readonly run: readonly string[];
  /** Names of the processes that must be ready first. */
  readonly after?: readonly string[];
  readonly ready?: ProcessSpec["ready"];
}
