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
    const { names } = scope;
    const heldBack = heldBackOn(replica, scope, node.name);
    return {
      isCarried: ({ offset }) => cloud.isCarried(names.poolPort(node.name, offset)),
      isHeldBack: ({ offset }) => heldBack.has(podNetworkAt(node.subnets, offset).mac),
      verdictOn: (pod) => proof.verdictOn(pod),
      foreignTags: cloud.foreignTags(node),
      now: clock.now(),
    };
  };

/** The pool ports of `cluster` that the database holds. */
export function* poolRows(replica: Replica<NorthboundTables>, scope: Scope): Iterable<PoolRow> {
  const { cluster } = scope;
  const heldBack = new Map<string, ReadonlySet<string>>();
  for (const row of replica.table("Logical_Switch_Port").values()) {
    if (row.external_ids.get(ownership.cluster) !== cluster) continue;
    const place = placeOfPort(cluster, row.name);
    if (!place) continue;
    const macs = heldBack.get(place.node) ?? heldBackOn(replica, scope, place.node);
    heldBack.set(place.node, macs);
    const [mac = ""] = (row.addresses[0] ?? "").split(" ");
    yield { ...place, tag: row.tag_request ?? row.tag, isHeldBack: macs.has(mac) };
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

/** MACs whose packets the database holds back on the node's switch. */
const heldBackOn = (
  replica: Replica<NorthboundTables>,
  { names, cluster }: Scope,
  node: string,
): ReadonlySet<string> => {
  const set = rowUuid(cluster, "Address_Set", names.closedSet(node));
  return new Set(replica.table("Address_Set").get(set)?.addresses);
};
