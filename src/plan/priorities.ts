// Priorities of the cluster router's policies and of the switches' ACLs, in one place because only their order matters.
// The numbers follow ovn-kubernetes where it has the same policy, and leave gaps for later ones.

import type { NorthboundTables } from "../ovn/northbound.gen.ts";

export const policyPriority = {
  /** Drops what pods tell nodes about the size of packets. */
  pathMtu: 1006,
  /** Drops packets that are still addressed to a Service. */
  services: 1005,
  /** Sends a pod's packets for its own node's addresses to the management port. */
  ownNode: 1004,
} as const;

export type AclAction = NorthboundTables["ACL"]["row"]["action"];

export const aclPriority = {
  /** Drops what no NetworkPolicy allows to or from a pod that one selects. */
  isolated: 500,
  /** What a NetworkPolicy allows. Below `services`: what no balancer has taken reaches nobody. */
  allowed: 501,
  /** What no NetworkPolicy can forbid. */
  always: 502,
  /** Drops packets addressed to a Service that no balancer has taken. */
  services: 1000,
  /** Drops what a Service's source ranges do not allow. */
  sourceRanges: 1001,
  /** Lets a closed port's neighbour discovery pass. */
  neighbours: 32_001,
  /** Drops all packets of a closed port: above anything that a policy could allow. */
  closed: 32_000,
} as const;
