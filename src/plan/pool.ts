// The facts of a node's pool: ready ports on the node's switch, before any pod needs them, and which of them are
// closed. Nested ports are inside the port of the virtual machine that is the node, and VLAN tags tell them apart.

import type { Fact } from "../model/fact.ts";
import { formatIp } from "../model/ip.ts";
import { podNetworkAt, type ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { PoolPlace } from "../model/places.ts";
import type { Scope } from "../model/scope.ts";
import { closedSetRef } from "./closed.ts";
import { FactList, mapOf } from "./facts.ts";

export function poolFacts(
  scope: Scope,
  owner: Owner,
  node: ResolvedNode,
  { ports, parent }: PoolPlace,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const nodeSwitch = facts.ref("Logical_Switch", scope.names.nodeSwitch(node.name));
  const closedSet = closedSetRef(facts, scope, node.name);
  for (const { offset, tag, isClosed } of ports) {
    const name = scope.names.poolPort(node.name, offset);
    const network = podNetworkAt(node.subnets, offset);
    const addresses = [[network.mac, ...network.addresses.map(({ ip }) => formatIp(ip))].join(" ")];
    const port = facts.row("Logical_Switch_Port", name, {
      name,
      addresses,
      port_security: addresses,
      ...(parent === undefined
        ? { options: mapOf({ "requested-chassis": node.chassisId }) }
        : // ovn-northd copies tag_request to tag. Stating both spares it that, and a second computation.
          { parent_name: parent, tag_request: tag, tag }),
    });
    facts.member("Logical_Switch", nodeSwitch, "ports", port);
    if (isClosed) facts.member("Address_Set", closedSet, "addresses", network.mac);
  }
  return facts.facts;
}
