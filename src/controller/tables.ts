// The northbound tables the engine compares: those that plans write, whole. A plan module that writes another table adds
// it here; the engine says so when it is forgotten.

import type { NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Selection } from "../ovsdb/index.ts";

export const northboundTables: Selection<NorthboundTables> = {
  ACL: true,
  Address_Set: true,
  Load_Balancer: true,
  Load_Balancer_Group: true,
  Logical_Router: true,
  Logical_Router_Policy: true,
  Logical_Router_Port: true,
  Logical_Router_Static_Route: true,
  Logical_Switch: true,
  Logical_Switch_Port: true,
  NAT: true,
  Static_MAC_Binding: true,
};
