// Priorities of the cluster router's policies and of the switches' ACLs, in one place because only their order matters.
// The numbers follow ovn-kubernetes where it has the same policy, and leave gaps for later ones.

import { lastPriority, levelCount } from "../model/levels.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";

export const policyPriority = {
  /** Drops what pods tell nodes about the size of packets. */
  pathMtu: 1006,
  /** Drops packets that are still addressed to a Service. */
  services: 1005,
  /** Sends a pod's packets for its own node's addresses to the management port. */
  ownNode: 1004,
  /** Marks a node's packets for its own pods. */
  fromOwnNode: 1003,
} as const;

export type AclAction = NorthboundTables["ACL"]["row"]["action"];

/**
 * Besides these, 1 to 7,014 are for the Baseline tier, 7,120 to 7,122 for security profiles and 7,200 to 30,222 for the
 * Admin tier (`clusterPolicyPriority`). All of these are below `services`: what no balancer has taken reaches nobody,
 * whatever policies allow.
 */
export const aclPriority = {
  /** Drops what no NetworkPolicy allows to or from a pod that one selects. So no rule of the Baseline tier is about it. */
  isolated: 7_100,
  /** What a NetworkPolicy allows. */
  allowed: 7_101,
  /** Drops all packets of a pod that asks for a profile it may not have: above everything that profiles allow. */
  refusedProfile: 7_123,
  /** What no policy can forbid. */
  always: 30_300,
  /** Drops packets addressed to a Service that no balancer has taken. */
  services: 31_000,
  /** Drops what a Service's source ranges do not allow. */
  sourceRanges: 31_001,
  /** Lets in what comes for a floating address, in underlay mode. */
  floating: 31_002,
  /** Lets a closed port's neighbour discovery pass. */
  neighbours: 32_001,
  /** Drops all packets of a closed port: above anything that a policy could allow. */
  closed: 32_000,
} as const;

/**
 * The ACL priority of a rule. Each priority of a tier has as many as rules may have levels (model/levels.ts), so that no
 * policy's ACLs depend on which others there are.
 */
export function clusterPolicyPriority(
  tier: keyof typeof levelCount,
  priority: number,
  level: number,
): number {
  const before = { Admin: 7_200, Profile: 7_120, Baseline: 1 }[tier];
  // All profiles have the one priority 0.
  const last = { Admin: lastPriority - 1, Profile: 0, Baseline: lastPriority }[tier];
  return before + (last - priority) * levelCount[tier] + (levelCount[tier] - 1 - level);
}
