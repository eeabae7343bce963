// The ways in which Weft gets onto a cluster, by the names that the commands take (`--install`).

import { asChart } from "./chart.ts";
import { asChartWithSwitch } from "./chartWithSwitch.ts";
import type { Installation } from "./installation.ts";
import { asProcesses } from "./processes.ts";
import { asUnderlay } from "./underlay.ts";

const installations: ReadonlyMap<string, Installation> = new Map([
  ["processes", asProcesses],
  ["chart", asChart],
  ["chart-with-switch", asChartWithSwitch],
  ["chart-underlay", asUnderlay],
]);

/** Throws when there is none of this name. */
export function installationNamed(name: string): Installation {
  const installation = installations.get(name);
  if (!installation) throw new Error(`--install ${name}: ${[...installations.keys()].join(" or ")}`);
  return installation;
}
