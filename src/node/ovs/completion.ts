// When a pod's port is complete, which means that packets pass. In overlay ovn-controller says so; in underlay the flows are
// in the hypervisor's Open vSwitch since before there was a pod, and the node's own has but to open the interface.

import { controllerStatus } from "./unixctl.ts";
import type { InterfaceRow } from "./vswitch.ts";

export interface Completion {
  readonly isComplete: (row: InterfaceRow) => boolean;
  /** What is waited for, for errors. */
  readonly awaited: string;
  /** What the one that is waited for says of itself. Does not reject. */
  readonly status: () => Promise<string>;
}

export const byController = (ovnRunDirectory: string): Completion => ({
  isComplete: (row) => row.external_ids.get("ovn-installed") === "true",
  awaited: "ovn-controller has to install it and say so with ovn-installed",
  status: async () => `ovn-controller: ${await controllerStatus(ovnRunDirectory)}`,
});

export const byVswitchd: Completion = {
  isComplete: (row) => isOpen(row),
  awaited: "ovs-vswitchd has to open it and give it an ofport",
  status: () => Promise.resolve("is ovs-vswitchd running?"),
};

/** vswitchd has opened the interface. */
export const isOpen = (row: InterfaceRow | undefined): row is InterfaceRow & { readonly ofport: number } =>
  row?.ofport !== undefined && row.ofport > 0;
