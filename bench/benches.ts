// The benches, in the order they run: one entry for each published figure or group of figures.

import { burstBench } from "./burst/bench.ts";
import { cniBench } from "./cni/bench.ts";
import type { Bench } from "./figure.ts";
import { membersBench } from "./members/bench.ts";
import { ovsdbBench } from "./ovsdb/bench.ts";
import { pluginBench } from "./plugin/bench.ts";
import { policyFlowsBench } from "./policies/flowsBench.ts";
import { policiesInForceBench } from "./policies/inForceBench.ts";
import { policiesBench } from "./policies/scaleBench.ts";
import { assignedBench } from "./pools/assignedBench.ts";
import { poolsBench } from "./pools/poolsBench.ts";
import { underlayBench } from "./pools/underlayBench.ts";
import { hostServicesBench } from "./scale/hostServicesBench.ts";
import { restartBench, restartLargeBench } from "./scale/restartBench.ts";
import { serviceFlowsBench } from "./scale/serviceFlowsBench.ts";
import { servicePlansBench } from "./scale/servicePlansBench.ts";
import { watchBench } from "./scale/watchBench.ts";
import { selectBench } from "./select/bench.ts";

export const benches: readonly Bench[] = [
  cniBench,
  burstBench,
  underlayBench,
  poolsBench,
  assignedBench,
  restartBench,
  restartLargeBench,
  policiesBench,
  policiesInForceBench,
  policyFlowsBench,
  hostServicesBench,
  servicePlansBench,
  serviceFlowsBench,
  watchBench,
  membersBench,
  selectBench,
  pluginBench,
  ovsdbBench,
];
