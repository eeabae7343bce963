// How a packet to a port of a node finds its Service. The node's kernel translates the node's own address and port to
// an address that a balancer in OVN has. Mostly that is the Service's cluster address, so a NodePort needs no rows of
// its own. Where a traffic policy makes the two lead to different endpoints, it is an address that only the way in
// uses, with the number of the node port. Both ends, the plan and the agent, take it from here.

import type { Cidr, Family, Ip } from "./ip.ts";

/** What a Service says about its traffic. Absent means `Cluster`: all endpoints. */
export interface TrafficPolicies {
  /** For what is sent to the cluster address. */
  readonly internalTrafficPolicy?: "Local";
  /** For what is sent to a node's port, and to addresses outside the cluster. */
  readonly externalTrafficPolicy?: "Local";
}

/** Which endpoints the way in leads to: those of the cluster address, all of them, or those on the node that was asked. */
export type Reach = "as inside" | "everywhere" | "this node";

export const reachOf = ({ externalTrafficPolicy, internalTrafficPolicy }: TrafficPolicies): Reach => {
  if (externalTrafficPolicy === "Local") return "this node";
  return internalTrafficPolicy === "Local" ? "everywhere" : "as inside";
};

/** 169.254.0.6 and .7, fd69::6 and ::7: beside the addresses that hairpins use. */
const first = { 4: 0xa9fe0006n, 6: (0xfd69n << 112n) + 6n } as const;

/** The addresses of the way in, of one family. */
export const innerRange = (family: Family): Cidr => ({
  ip: { family, value: first[family] },
  bits: family === 4 ? 31 : 127,
});

/** The address that stands for a node in front of a balancer with that reach. */
export const innerAddress = (family: Family, reach: Exclude<Reach, "as inside">): Ip => ({
  family,
  value: first[family] + (reach === "this node" ? 1n : 0n),
});
