// The controller with many policies in a large cluster: the restart that finds nothing changed, and one pod relabelled.

import type { Bench } from "../figure.ts";
import type { Scale } from "../scale/objects.ts";
import { restartOf } from "../scale/restartBench.ts";
import { relabelFigures } from "./relabel.ts";

const scale: Scale = { nodes: 500, pods: 10_000, services: 1_000, namespaces: 100, policies: 1_000 };

export const policiesBench: Bench = restartOf("policies", scale, {
  aims: { seconds: 5, megabytes: 600 },
  more: relabelFigures(scale),
});
