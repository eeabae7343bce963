// The nodes' ready ports that the northbound database holds, and which of them it holds back. After a restart these
// rows prove what a node has.

import { ownership, placeOfPort } from "../model/names.ts";
import type { PoolPort } from "../model/pool.ts";
import type { Scope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Replica } from "../ovsdb/index.ts";

/** A pool port that has a row. */
export interface PoolRow extends PoolPort {
  readonly node: string;
  /** The name of the port that it is nested in. */
  readonly parent: string | undefined;
  /** The database drops its packets. */
  readonly isHeldBack: boolean;
}

/** The pool ports of the scope's cluster. */
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
    yield {
      ...place,
      tag: row.tag_request ?? row.tag,
      parent: row.parent_name === "" ? undefined : row.parent_name,
      isHeldBack: macs.has(mac),
    };
  }
}

/** The MACs whose packets are dropped on the node's switch. */
export function heldBackOn(
  replica: Replica<NorthboundTables>,
  { names, cluster }: Scope,
  node: string,
): ReadonlySet<string> {
  const set = rowUuid(cluster, "Address_Set", names.closedSet(node));
  return new Set(replica.table("Address_Set").get(set)?.addresses);
}
