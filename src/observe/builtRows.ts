// What the rows in the northbound database show about the options of the controllers that made
// them.

import { type Cidr, contains, networkOf, parseCidr, parseInterfaceAddress } from "../model/ip.ts";
import { ownership } from "../model/names.ts";
import { type Owner, ownerOf, parseOwner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { innerRange } from "../model/wayIn.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Replica } from "../ovsdb/index.ts";
import { byOwner } from "./byOwner.ts";

/** Each is empty when no row tells. */
export interface Built {
  /** The names of the routers that the nodes' switches are joined to. */
  readonly routers: readonly string[];
  /** Whether any of the nodes has ports in a pool. */
  readonly pooled: boolean;
  readonly nodeSubnets: readonly Cidr[];
  /** The networks between the routers. */
  readonly joins: readonly Cidr[];
  readonly services: readonly Cidr[];
}

export function builtRows(replica: Replica<NorthboundTables>, { cluster, names }: Scope): Built {
  const ownerIn = (ids: ReadonlyMap<string, string>): Owner | undefined =>
    ids.get(ownership.cluster) === cluster ? ids.get(ownership.owner) : undefined;
  const nodeSubnets: Cidr[] = [];
  const joins: Cidr[] = [];
  const toSwitches = new Set<string>();
  let pooled = false;
  for (const { _uuid, name, networks, external_ids: ids } of replica.table("Logical_Router_Port").values()) {
    const owner = ownerIn(ids);
    if (owner === undefined) continue;
    const at = networks.flatMap((text) => parseInterfaceAddress(text) ?? []);
    const cidrs = at.map(({ ip, bits }) => networkOf(ip, bits));
    const node = parseOwner(owner).name;
    if (name === names.routerToJoin || name === names.gatewayToJoin(node)) joins.push(...cidrs);
    if (name !== names.routerToSwitch(node)) continue;
    nodeSubnets.push(...cidrs);
    toSwitches.add(_uuid);
    pooled ||= replica
      .table("Logical_Switch_Port")
      .by(byOwner, ownerOf("pool", node))
      .some(({ external_ids: of }) => ownerIn(of) !== undefined);
  }
  const routers = [...replica.table("Logical_Router").values()]
    .filter(({ ports }) => ports.some((port) => toSwitches.has(port)))
    .map(({ name }) => name);
  const services = [...replica.table("ACL").values()]
    .filter(({ external_ids: ids }) => ownerIn(ids) === ownerOf("cluster"))
    .flatMap(({ match }) => parseCidr(match.split(" == ")[1] ?? "") ?? [])
    // The way in has its addresses whatever the options are.
    .filter((range) => !contains(innerRange(range.ip.family), range.ip));
  return { routers, pooled, nodeSubnets, joins, services };
}
