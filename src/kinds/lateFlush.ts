// The one balancer through which ovn-controller flushes connections to endpoints that are gone a second time.

import { ownerOf } from "../model/owner.ts";
import { type OwnerKind, saying } from "./kind.ts";

export const lateFlush = ownerOf("flush");

export const lateFlushKind: OwnerKind<never> = {
  name: "flush",
  of: undefined,
  reads: {},
  always: [lateFlush],
  tables: ["Load_Balancer", "Load_Balancer_Group", "Logical_Switch"],
  plan: (owner, _, { cloud, gone }) => saying(cloud.lateFlushFacts(owner, gone())),
};
