// What exists once per cluster: in overlay mode the router and the join switch, in underlay mode what joins the cluster
// to the tenant's router; and what exists once for each zone that nodes are in.

import { ownerOf } from "../model/owner.ts";
import { type OwnerKind, saying } from "./kind.ts";

const cluster = ownerOf("cluster");

export const clusterKind: OwnerKind<never> = {
  name: "cluster",
  of: undefined,
  reads: {},
  always: [cluster],
  sees: ({ what }) => (what === "tenant" ? [cluster] : []),
  tables: [
    "ACL",
    "Port_Group",
    "Load_Balancer_Group",
    "Logical_Router",
    "Logical_Router_Policy",
    "Logical_Router_Port",
    "Logical_Switch",
    "Logical_Switch_Port",
  ],
  plan(owner, _, { cloud, hosts }) {
    hosts.follow(owner, [], [], "by zone");
    return saying(cloud.clusterFacts(owner, hosts.zones()));
  },
};
