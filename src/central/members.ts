// Where OVN's central databases are: on one node, or as a RAFT cluster on three.

import { formatIp, type Ip } from "../model/ip.ts";

export interface Member {
  readonly node: string;
  readonly address: Ip;
}

export const databaseNames = ["northbound", "southbound"] as const;
export type DatabaseName = (typeof databaseNames)[number];

interface Place {
  /** As OVN calls it. */
  readonly database: string;
  /** Where clients come. */
  readonly port: number;
  /** Where the other members of a RAFT cluster come. */
  readonly raftPort: number;
  /** In the folder of the databases. */
  readonly file: string;
  /** Of its server, in the run directory. */
  readonly controlSocket: string;
  readonly socket: string;
  /** In the folder of schemas. */
  readonly schema: string;
}

/** The names and ports are those of ovn-ctl(8). */
export const places: Readonly<Record<DatabaseName, Place>> = {
  northbound: {
    database: "OVN_Northbound",
    port: 6641,
    raftPort: 6643,
    file: "ovnnb_db.db",
    controlSocket: "ovnnb_db.ctl",
    socket: "ovnnb_db.sock",
    schema: "ovn-nb.ovsschema",
  },
  southbound: {
    database: "OVN_Southbound",
    port: 6642,
    raftPort: 6644,
    file: "ovnsb_db.db",
    controlSocket: "ovnsb_db.ctl",
    socket: "ovnsb_db.sock",
    schema: "ovn-sb.ovsschema",
  },
};

/** `192.0.2.10`, `[2001:db8::1]` */
export const hostOf = ({ address }: Member): string =>
  address.family === 6 ? `[${formatIp(address)}]` : formatIp(address);

/** `ssl:192.0.2.10:6643` */
export const remoteOf = (member: Member, port: number): string => `ssl:${hostOf(member)}:${port}`;

export const raftAddressOf = (member: Member, name: DatabaseName): string =>
  remoteOf(member, places[name].raftPort);

/** One member among all. */
export interface OwnPlace {
  readonly own: Member;
  /** All, in the order of the configuration. */
  readonly members: readonly Member[];
}

export const peersOf = ({ own, members }: OwnPlace): readonly Member[] =>
  members.filter(({ node }) => node !== own.node);
