// The agent's copy of the node's Open vSwitch database: which tables and columns it follows, and how to find a row.

import { type VswitchTables, vswitch } from "../../ovn/vswitch.gen.ts";
import type { Replica, RowOf, Session } from "../../ovsdb/index.ts";

export type Vswitch = Replica<VswitchTables>;
export type InterfaceRow = RowOf<VswitchTables, "Interface">;
export type BridgeRow = RowOf<VswitchTables, "Bridge">;

/** Keys of external_ids on an Interface by which the agent knows its own attachments again. */
export const attachmentKeys = {
  container: "weft.io/container",
  ifname: "weft.io/ifname",
  pod: "weft.io/pod",
  podUid: "weft.io/pod-uid",
} as const;

export const byPortName = "external_ids:iface-id";

/** Of Queue: whose pool of ready ports a row belongs to, the id of a cluster. */
export const poolKey = "weft.io/pool";
export const byPool = `external_ids:${poolKey}`;

/** Statistics are left out: vswitchd writes them every five seconds for every port. */
export const followVswitch = (session: Session): Vswitch =>
  session.replica(
    vswitch,
    {
      Open_vSwitch: { columns: ["bridges", "external_ids", "datapath_types"] },
      Bridge: { columns: ["name", "ports", "datapath_type", "fail_mode"] },
      Port: { columns: ["name", "interfaces"] },
      Interface: {
        columns: [
          "name",
          "type",
          "external_ids",
          "ofport",
          "ifindex",
          "error",
          "mac",
          "mac_in_use",
          "mtu",
          "mtu_request",
        ],
      },
      Queue: { columns: ["external_ids"] },
    },
    { indexes: { Interface: ["name", byPortName], Port: ["name"], Bridge: ["name"], Queue: [byPool] } },
  );

export const interfaceNamed = (db: Vswitch, name: string): InterfaceRow | undefined =>
  db.table("Interface").by("name", name)[0];

export const bridgeNamed = (db: Vswitch, name: string): BridgeRow | undefined =>
  db.table("Bridge").by("name", name)[0];

/** The interfaces of the ports with these UUIDs. */
export const interfacesOf = (db: Vswitch, ports: readonly string[]): readonly InterfaceRow[] =>
  ports
    .flatMap((port) => db.table("Port").get(port)?.interfaces ?? [])
    .flatMap((uuid) => db.table("Interface").get(uuid) ?? []);
