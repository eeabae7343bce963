// When a pod's port is complete, which means that packets pass. In overlay ovn-controller says so; in underlay the flows are
// in the hypervisor's Open vSwitch since before there was a pod, and the node's own has but to open the interface.

import { controllerStatus } from "./unixctl.ts";
import type { InterfaceRow } from "./vswitch.ts";

export interface Completion {
  readonly isComplete: (row: InterfaceRow) => boolean;
  /** What is waited for, for errors: `ovn-controller to install port P (ovn-installed on interface I)`. */
  readonly awaited: (port: string, hostInterface: string) => string;
  /** What the one that is waited for says of itself. Does not reject. */
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
export const isOpen = (row: InterfaceRow | undefined): row is InterfaceRow & { readonly ofport: number } =>
  row?.ofport !== undefined && row.ofport > 0;
