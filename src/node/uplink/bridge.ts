// br-ex with the uplink in it, made and taken away in one transaction of Open vSwitch each.
//
// The uplink's port is transient (`other_config:transient`, ovs-ctl(8)): Open vSwitch's start script removes such ports when
// the machine boots. So a node always boots with its addresses where its own configuration puts them, whether or not Weft
// comes up, and the move is made again after that.

import { onNode } from "../../model/names.ts";
import { portsOf } from "../host/uplink.ts";
import { bridgeNamed, interfaceNamed, type Vswitch } from "../ovs/vswitch.ts";
import type { Writer } from "../ovs/writer.ts";
import { type ExternalBridge, uplinkMark } from "./obstacles.ts";

const name = onNode.externalBridge;

export interface BridgeToMake {
  readonly uplink: string;
  /** The uplink's own, so that neighbours and DHCP servers see the same machine. */
  readonly mac: string;
  readonly mtu: number;
  readonly datapath: "system" | "netdev";
}

export function externalBridgeIn(db: Vswitch): ExternalBridge | undefined {
  const row = bridgeNamed(db, name);
  return (
    row && {
      ports: portsOf(db, row),
      mark: row.external_ids.get(uplinkMark),
      hasController: row.controller.length > 0,
    }
  );
}

/** Makes the bridge, or what is missing of it. */
export async function makeBridge(db: Vswitch, writer: Writer, wanted: BridgeToMake): Promise<void> {
  const [root] = db.table("Open_vSwitch").values();
  if (!root) throw new Error("the Open vSwitch database is not initialized (ovs-vsctl init)");
  const [localInterface, localPort, bridge] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  const [uplinkInterface, uplinkPort] = [crypto.randomUUID(), crypto.randomUUID()];
  const found = bridgeNamed(db, name);
  const mark = new Map([[uplinkMark, wanted.uplink]]);
  const hasUplink = portsOf(db, found).some((port) => port.name === wanted.uplink);
  await writer.write((tx) => {
    if (!found) {
      tx.insert("Interface", { name, type: "internal", mtu_request: wanted.mtu }, localInterface)
        .insert("Port", { name, interfaces: [localInterface] }, localPort)
        .insert(
          "Bridge",
          {
            name,
            datapath_type: wanted.datapath,
            ports: [localPort],
            other_config: new Map([["hwaddr", wanted.mac]]),
            external_ids: mark,
          },
          bridge,
        )
        .mutateSet("Open_vSwitch", root._uuid, "bridges", "insert", [bridge]);
    } else tx.mutateMap("Bridge", found._uuid, "external_ids", { insert: mark });
    if (hasUplink) return;
    tx.insert("Interface", { name: wanted.uplink }, uplinkInterface)
      .insert(
        "Port",
        {
          name: wanted.uplink,
          interfaces: [uplinkInterface],
          other_config: new Map([["transient", "true"]]),
          external_ids: mark,
        },
        uplinkPort,
      )
      .mutateSet("Bridge", found?._uuid ?? bridge, "ports", "insert", [uplinkPort]);
  });
}

/** Whether Open vSwitch has both interfaces; throws with its reason when it cannot have the uplink. */
export function bridgeIsMade(db: Vswitch, uplink: string): boolean {
  const rows = [interfaceNamed(db, name), interfaceNamed(db, uplink)];
  const failed = rows.find((row) => row?.error !== undefined);
  if (failed) throw new Error(`Open vSwitch cannot use ${failed.name}: ${failed.error}`);
  return rows.every((row) => row?.ofport !== undefined && row.ofport > 0);
}

/** Takes away the bridge that Weft has made, with everything in it. */
export async function removeBridge(db: Vswitch, writer: Writer): Promise<void> {
  const found = bridgeNamed(db, name);
  const [root] = db.table("Open_vSwitch").values();
  if (!found?.external_ids.has(uplinkMark) || !root) return;
  await writer.write((tx) => tx.mutateSet("Open_vSwitch", root._uuid, "bridges", "delete", [found._uuid]));
}
