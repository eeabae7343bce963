// Where a plan's facts go: which cluster, which database of which zone, and the names things have there. Every plan
// takes one, so that nothing in plan/ assumes that the whole cluster lives in one database.

import type { Destination } from "./fact.ts";
import { type Names, namesOf } from "./names.ts";

export interface Scope {
  readonly cluster: string;
  readonly destination: Destination;
  readonly names: Names;
}

/** The scope of a cluster in the northbound database of `zone`. */
export const northboundScope = (cluster: string, zone: string): Scope => ({
  cluster,
  destination: { zone, database: "OVN_Northbound" },
  names: namesOf(cluster),
});
