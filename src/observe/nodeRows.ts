// What the rows of the northbound database prove about nodes: the subnets of a node's switch, its place in the join network and
// its chassis.
// After a restart they count for more than the Node's annotations, which anybody may have written who may write the Node.

import { type Cidr, networkOf, parseInterfaceAddress } from "../model/ip.ts";
import { ownership } from "../model/names.ts";
import { nodeIds } from "../model/network.ts";
import { parseOwner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Replica } from "../ovsdb/index.ts";

export interface NodeRows {
  readonly node: string;
  readonly subnets: readonly Cidr[];
  /** Undefined while the node has no gateway router, and always in underlay mode. */
  readonly id: number | undefined;
  /** Where the node's management port is bound; undefined before its agent has said so, and always in underlay mode. */
  readonly chassis: string | undefined;
}

/** One entry for each node that has rows, whether there is an object of it or not. */
export function nodeRows(replica: Replica<NorthboundTables>, { cluster, names }: Scope): readonly NodeRows[] {
  const subnets = new Map<string, readonly Cidr[]>();
  const ids = new Map<string, number>();
  for (const row of replica.table("Logical_Router_Port").values()) {
    if (row.external_ids.get(ownership.cluster) !== cluster) continue;
    const { kind, name: node } = parseOwner(row.external_ids.get(ownership.owner) ?? "");
    if (kind !== "node") continue;
    const networks = row.networks.flatMap((text) => parseInterfaceAddress(text) ?? []);
    if (row.name === names.routerToSwitch(node))
      subnets.set(
        node,
        networks.map(({ ip, bits }) => networkOf(ip, bits)),
      );
    const [first] = networks;
    if (row.name !== names.gatewayToJoin(node) || !first) continue;
    const id = first.ip.value - networkOf(first.ip, first.bits).ip.value;
    if (id >= nodeIds.first && id <= nodeIds.last) ids.set(node, Number(id));
  }
  const chassisOf = (node: string): string | undefined => {
    const port = rowUuid(cluster, "Logical_Switch_Port", names.managementPort(node));
    return replica.table("Logical_Switch_Port").get(port)?.options.get("requested-chassis");
  };
  return [...subnets].map(([node, of]) => ({
    node,
    subnets: of,
    id: ids.get(node),
    chassis: chassisOf(node),
  }));
}
