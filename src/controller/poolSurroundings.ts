// What a node's pool is decided from besides Kubernetes: which of its ports OVN carries, which it holds back, which
// tags others have, and what is known of policies.

import type { Cloud } from "../cloud/cloud.ts";
import type { PoolRow, PoolSurroundings } from "../decide/pools.ts";
import type { Clock } from "../kube/clock.ts";
import { ownership, placeOfPort } from "../model/names.ts";
import { podNetworkAt, type ResolvedNode } from "../model/network.ts";
import { rowUuid } from "../model/uuid.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Replica } from "../ovsdb/index.ts";
import type { Scope } from "../plan/scope.ts";
import type { PolicyProof } from "./policyProof.ts";

export const poolSurroundings =
  (scope: Scope, replica: Replica<NorthboundTables>, cloud: Cloud, proof: PolicyProof, clock: Clock) =>
  (node: ResolvedNode): PoolSurroundings => {
    const { names, cluster } = scope;
    const closedSet = rowUuid(cluster, "Address_Set", names.closedSet(node.name));
    const heldBack = new Set(replica.table("Address_Set").get(closedSet)?.addresses);
    return {
      isCarried: ({ offset }) => cloud.isCarried(names.poolPort(node.name, offset)),
      isHeldBack: ({ offset }) => heldBack.has(podNetworkAt(node.subnets, offset).mac),
      verdictOn: (pod) => proof.verdictOn(pod),
      foreignTags: cloud.foreignTags(node),
      now: clock.now(),
    };
  };

/** The pool ports of `cluster` that the database holds. */
export function* poolRows(replica: Replica<NorthboundTables>, cluster: string): Iterable<PoolRow> {
  for (const row of replica.table("Logical_Switch_Port").values()) {
    if (row.external_ids.get(ownership.cluster) !== cluster) continue;
    const place = placeOfPort(cluster, row.name);
    if (place) yield { ...place, tag: row.tag_request ?? row.tag };
  }
}

/** Calls `onChange` with each node whose set of closed ports changes. Returns what ends that. */
export const followClosedSets = (
  replica: Replica<NorthboundTables>,
  onChange: (node: string) => void,
): (() => void) =>
  replica.subscribe((changes) => {
    for (const change of changes) {
      if (change.table !== "Address_Set") continue;
      const [kind, node] = change.new?.external_ids.get(ownership.owner)?.split("/") ?? [];
      if (kind === "node" && node) onChange(node);
    }
  });
