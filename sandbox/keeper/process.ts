// The keeper as a process of the sandbox: one per sandbox, not on any host.

import { join } from "node:path";
import type { Layout } from "../layout.ts";
import type { PlannedProcess } from "../plannedProcess.ts";

export const keeperName = "keeper";

export const keeperProcess = ({ processDirectory }: Layout): PlannedProcess => ({
  name: keeperName,
  stage: "keeper: starts again what dies",
  run: [process.execPath, join(import.meta.dirname, "main.ts"), processDirectory],
});
