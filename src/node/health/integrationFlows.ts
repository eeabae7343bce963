// What flowWatch.ts asks about ovn-controller's flows in the integration bridge, and does when they are gone.

import type { Log } from "../../kube/clock.ts";
import { onNode } from "../../model/names.ts";
import { countFlows } from "../host/ownFlows.ts";
import type { Run } from "../host/run.ts";
import { controlSocket, unixctl } from "../ovs/unixctl.ts";
import { interfaceNamed, type Vswitch } from "../ovs/vswitch.ts";
import type { FlowWatchOptions } from "./flowWatch.ts";

export interface IntegrationFlows {
  readonly db: Vswitch;
  readonly ovsRunDirectory: string;
  readonly run: Run;
  /** Called when the agent has put something back. */
  readonly repaired: () => void;
  readonly log: Log;
}

const bridge = onNode.integrationBridge;

export const integrationFlows = ({
  db,
  ovsRunDirectory,
  run,
  repaired,
  log,
}: IntegrationFlows): FlowWatchOptions => ({
  // The first table is where packets of every port and tunnel start, and small. To count all would keep vswitchd busy.
  count: async () => {
    const management = interfaceNamed(db, onNode.managementInterface);
    if (management?.external_ids.get("ovn-installed") !== "true") return undefined;
    return countFlows(run, `unix:${ovsRunDirectory}/${bridge}.mgmt`, "table=0");
  },
  // Drops all OpenFlow connections of the bridge (ovs-vswitchd(8)); ovn-controller connects again.
  renew: async () => {
    await unixctl(await controlSocket(ovsRunDirectory, "ovs-vswitchd"), "bridge/reconnect", [bridge]);
    log("warn", `${bridge} had none of ovn-controller's flows: ovn-controller writes them anew`, {});
    repaired();
  },
});
