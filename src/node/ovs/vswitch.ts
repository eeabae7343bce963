// The agent's copy of the node's Open vSwitch database: the tables and columns it follows, and how to find a row.

import { type VswitchTables, vswitch } from "../../ovn/vswitch.gen.ts";
import type { Replica, RowOf, Selected, Session } from "../../ovsdb/index.ts";

/** Keys of external_ids on an Interface by which the agent recognises its attachments. */
export const attachmentKeys = {
  container: "weft.io/container",
  ifname: "weft.io/ifname",
  pod: "weft.io/pod",
  podUid: "weft.io/pod-uid",
  netns: "weft.io/netns",
} as const;

export const byPortName = "external_ids:iface-id";

/** A key on Queue: the id of the cluster whose pool of ready ports the row belongs to. */
export const poolKey = "weft.io/pool";
export const byPool = `external_ids:${poolKey}`;

/** Without statistics, which vswitchd writes every five seconds for every port. */
const tables = {
  Open_vSwitch: { columns: ["bridges", "external_ids", "datapath_types"] },
  Bridge: { columns: ["name", "ports", "datapath_type", "fail_mode", "external_ids", "controller"] },
  Port: { columns: ["name", "interfaces", "external_ids", "tag", "bond_mode", "bond_active_slave"] },
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
} as const;
const indexes = {
  Interface: ["name", byPortName],
  Port: ["name"],
  Bridge: ["name"],
  Queue: [byPool],
} as const;

export type FollowedTables = Selected<VswitchTables, typeof tables, typeof indexes>;
export type Vswitch = Replica<FollowedTables>;
export type InterfaceRow = RowOf<FollowedTables, "Interface">;
export type BridgeRow = RowOf<FollowedTables, "Bridge">;
export type PortRow = RowOf<FollowedTables, "Port">;

export const followVswitch = (session: Session): Vswitch => session.replica(vswitch, tables, { indexes });

export const interfaceNamed = (db: Vswitch, name: string): InterfaceRow | undefined =>
  db.table("Interface").by("name", name)[0];

export const bridgeNamed = (db: Vswitch, name: string): BridgeRow | undefined =>
  db.table("Bridge").by("name", name)[0];

/** The interfaces of the ports with these UUIDs. */
export const interfacesOf = (db: Vswitch, ports: readonly string[]): readonly InterfaceRow[] =>
  ports
    .flatMap((port) => db.table("Port").get(port)?.interfaces ?? [])
    .flatMap((uuid) => db.table("Interface").get(uuid) ?? []);
