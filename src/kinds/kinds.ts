// All kinds of owners. Adding one is a file in this folder, its plan in plan/, and an entry here (docs/add-a-kind.md).

import { clusterPolicyKinds } from "../kube/policies.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Selection } from "../ovsdb/index.ts";
import { addressPoolKind } from "./addressPool.ts";
import { clusterKind } from "./cluster.ts";
import { clusterPolicyKind } from "./clusterPolicy.ts";
import { floatingAddressKind } from "./floatingAddress.ts";
import { blockKind, nameKind, peerKind, subjectKind } from "./groups.ts";
import type { AnyOwnerKind } from "./kind.ts";
import { lateFlushKind } from "./lateFlush.ts";
import { loggingKinds } from "./logging.ts";
import { networkPolicyKind } from "./networkPolicy.ts";
import { nodeKind } from "./node.ts";
import { podKind } from "./pod.ts";
import { poolKind } from "./pool.ts";
import { securityProfileKind } from "./securityProfile.ts";
import { serviceKind } from "./service.ts";
import { serviceCidrKind } from "./serviceCidr.ts";

export const ownerKinds: readonly AnyOwnerKind[] = [
  clusterKind,
  nodeKind,
  podKind,
  poolKind,
  serviceKind,
  lateFlushKind,
  serviceCidrKind,
  addressPoolKind,
  floatingAddressKind,
  subjectKind,
  peerKind,
  blockKind,
  nameKind,
  networkPolicyKind,
  ...clusterPolicyKinds.filter((kind) => kind !== "SecurityProfile").map(clusterPolicyKind),
  securityProfileKind,
  ...loggingKinds,
];

/** The northbound tables that the controller copies whole: those that plans write. */
export const northboundTables: Selection<NorthboundTables> = Object.fromEntries(
  ownerKinds.flatMap(({ tables }) => tables).map((table) => [table, true]),
);
