// Ports that exist before they are needed, made by hand as Weft makes a node's pool: on the node's switch, and marked
// free by a row in the node's own database. The bare wiring claims them.

import type { NodeHost } from "../../sandbox/host.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { formatIp } from "../../src/model/ip.ts";
import type { PodNetwork } from "../../src/model/network.ts";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { vswitch } from "../../src/ovn/vswitch.gen.ts";
import { Transaction } from "../../src/ovsdb/index.ts";
import { northboundOf, settled, vswitchOf } from "./databases.ts";

export interface HandPort {
  readonly name: string;
  readonly network: PodNetwork;
  /** The VLAN tag of a port that is nested in the node's own port. */
  readonly tag: number | undefined;
}

/** Where a node's ports are made. */
export interface PortPlace {
  readonly switchUuid: string;
  /** The port they are nested in. */
  readonly parent: string | undefined;
  /** Which chassis should bind them, unless they are nested. */
  readonly chassisId: string | undefined;
}

/** Adds operations to `tx`. Returns the UUIDs that the ports will have. */
export function insertPorts(
  tx: Transaction<NorthboundTables>,
  { switchUuid, parent, chassisId = "" }: PortPlace,
  ports: readonly HandPort[],
): readonly string[] {
  const uuids = ports.map(({ name, network, tag }) => {
    const uuid = crypto.randomUUID();
    const addresses = [[network.mac, ...network.addresses.map(({ ip }) => formatIp(ip))].join(" ")];
    tx.insert(
      "Logical_Switch_Port",
      {
        name,
        addresses,
        port_security: addresses,
        ...(parent === undefined
          ? { options: new Map([["requested-chassis", chassisId]]) }
          : { parent_name: parent, tag_request: tag, tag }),
      },
      uuid,
    );
    return uuid;
  });
  tx.mutateSet("Logical_Switch", switchUuid, "ports", "insert", uuids);
  return uuids;
}

/** Resolves with the rows that mark the ports as free on the node, once the node's chassis has the ports. */
export async function makeReadyPorts(
  sandbox: Sandbox,
  node: NodeHost,
  place: PortPlace,
  ports: readonly HandPort[],
): Promise<readonly string[]> {
  const tx = new Transaction(northbound);
  insertPorts(tx, place, ports);
  await using central = await northboundOf(sandbox);
  await central.transact(tx);
  const uuids = ports.map(() => crypto.randomUUID());
  const rows = new Transaction(vswitch);
  for (const uuid of uuids) rows.insert("Queue", { external_ids: new Map([["state", "ready"]]) }, uuid);
  await using local = await vswitchOf(node);
  await local.transact(rows);
  await settled(sandbox);
  return uuids;
}
