// What the rows of the northbound database prove about nodes: the subnets of a node's switch, its place in the join
// network, its chassis, its own addresses and its zone. After a restart they count for more than the Node's annotations,
// which anyone who may write the Node can write.

import { type Cidr, type Ip, networkOf, parseInterfaceAddress, parseIp } from "../model/ip.ts";
import { controlPlaneKey, hostAddressesKey, ownership, zoneKey } from "../model/names.ts";
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
  /** Its own addresses, in the order of `ResolvedNode.hostAddresses`. */
  readonly hostAddresses: readonly Ip[];
  /** The addresses that it shares with its gateway router; none while it has no gateway router, or in underlay mode. */
  readonly shared: readonly Ip[];
  readonly isControlPlane: boolean;
  readonly zone: string | undefined;
}

/** One entry for each node that has rows, whether there is an object of it or not. */
export function nodeRows(replica: Replica<NorthboundTables>, { cluster, names }: Scope): readonly NodeRows[] {
  const subnets = new Map<string, readonly Cidr[]>();
  const zones = new Map<string, string | undefined>();
  const ids = new Map<string, number>();
  const shared = new Map<string, readonly Ip[]>();
  for (const row of replica.table("Logical_Router_Port").values()) {
    if (row.external_ids.get(ownership.cluster) !== cluster) continue;
    const { kind, name: node } = parseOwner(row.external_ids.get(ownership.owner) ?? "");
    if (kind !== "node") continue;
    const networks = row.networks.flatMap((text) => parseInterfaceAddress(text) ?? []);
    if (row.name === names.routerToSwitch(node)) {
      zones.set(node, row.external_ids.get(zoneKey));
      subnets.set(
        node,
        networks.map(({ ip, bits }) => networkOf(ip, bits)),
      );
    }
    if (row.name === names.gatewayToExternal(node))
      shared.set(
        node,
        networks.map(({ ip }) => ip),
      );
    const [first] = networks;
    if (row.name !== names.gatewayToJoin(node) || !first) continue;
    const id = first.ip.value - networkOf(first.ip, first.bits).ip.value;
    if (id >= nodeIds.first && id <= nodeIds.last) ids.set(node, Number(id));
  }
  return [...subnets].map(([node, of]) => {
    const port = rowUuid(cluster, "Logical_Switch_Port", names.managementPort(node));
    const management = replica.table("Logical_Switch_Port").get(port);
    const addresses = management?.external_ids.get(hostAddressesKey)?.split(",") ?? [];
    return {
      node,
      subnets: of,
      id: ids.get(node),
      chassis: management?.options.get("requested-chassis"),
      hostAddresses: addresses.flatMap((text) => parseIp(text) ?? []),
      shared: shared.get(node) ?? [],
      isControlPlane: management?.external_ids.has(controlPlaneKey) === true,
      zone: zones.get(node),
    };
  });
}
