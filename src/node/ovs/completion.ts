// When a pod's port is complete, so that packets pass. In overlay mode ovn-controller reports it. In underlay mode
// the hypervisor's Open vSwitch has had the flows since before the pod existed, and the node's own only has to open
// the interface.

import { controllerStatus } from "./unixctl.ts";
import type { InterfaceRow } from "./vswitch.ts";

export interface Completion {
  readonly isComplete: (row: InterfaceRow) => boolean;
  /** What an ADD waits for, for errors: `ovn-controller to install port P (ovn-installed on interface I)`. */
  readonly awaited: (port: string, hostInterface: string) => string;
  /** The state of the daemon that is waited for, in its own words. Does not reject. */
  readonly status: () => Promise<string>;
}

export const byController = (ovnRunDirectory: string): Completion => ({
  isComplete: (row) => row.external_ids.get("ovn-installed") === "true",
  awaited: (port, hostInterface) =>
    `ovn-controller to install port ${port} (ovn-installed on interface ${hostInterface})`,
  status: async () => `ovn-controller: ${await controllerStatus(ovnRunDirectory)}`,
});

export const byVswitchd: Completion = {
  isComplete: (row) => isOpen(row),
  awaited: (port, hostInterface) => `ovs-vswitchd to open interface ${hostInterface} (port ${port})`,
  status: () => Promise.resolve("is ovs-vswitchd running?"),
};

/** vswitchd has opened the interface. */
export const isOpen = <T extends Pick<InterfaceRow, "ofport">>(
  row: T | undefined,
): row is T & { readonly ofport: number } => row?.ofport !== undefined && row.ofport > 0;
