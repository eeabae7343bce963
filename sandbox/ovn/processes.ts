// The processes of OVN and Open vSwitch: centrally the databases and northd; on each host with Open vSwitch its
// database and the switch; and on nodes or hypervisors ovn-controller, which connects the two.

import { join } from "node:path";
import { onNode } from "../../src/model/names.ts";
import type { SwitchHost } from "../host.ts";
import type { Layout } from "../layout.ts";
import type { PlannedProcess } from "../plannedProcess.ts";
import { databaseFiles } from "./databases.ts";

const central = "OVN central: northbound, southbound, northd";

/** All of them log to standard error, which becomes the process's log file. */
const logging = ["-vconsole:info", "-vsyslog:off", "-vfile:off"];

export function centralProcesses({ central: host }: Layout): readonly PlannedProcess[] {
  const database = (file: string, socket: string, name: string, root: string): readonly string[] => [
    "ovsdb-server",
    join(host.directory, file),
    `--remote=punix:${socket}`,
    `--remote=db:${name},${root},connections`,
    // For remotes with TLS, which somebody may add (`ovn-nbctl set-ssl`), as OVN's own script has it.
    `--private-key=db:${name},SSL,private_key`,
    `--certificate=db:${name},SSL,certificate`,
    `--ca-cert=db:${name},SSL,ca_cert`,
    `--unixctl=${socket.replace(/\.sock$/, ".ctl")}`,
    `--pidfile=${socket.replace(/\.sock$/, ".pid")}`,
    ...logging,
  ];
  const northbound = host.northboundSocket;
  const southbound = host.southboundSocket;
  return [
    {
      name: "central-nb",
      stage: central,
      on: host,
      run: database(databaseFiles.northbound, northbound, "OVN_Northbound", "NB_Global"),
      ready: [northbound],
    },
    {
      name: "central-sb",
      stage: central,
      on: host,
      run: database(databaseFiles.southbound, southbound, "OVN_Southbound", "SB_Global"),
      ready: [southbound],
    },
    {
      name: "central-northd",
      stage: central,
      on: host,
      after: ["central-nb", "central-sb"],
      run: [
        "ovn-northd",
        `--ovnnb-db=unix:${northbound}`,
        `--ovnsb-db=unix:${southbound}`,
        "--pidfile",
        ...logging,
      ],
    },
  ];
}

export function switchProcesses(host: SwitchHost, stage: string): readonly PlannedProcess[] {
  const database = `unix:${host.ovsSocket}`;
  return [
    {
      name: `${host.name}-ovsdb`,
      stage,
      on: host,
      run: [
        "ovsdb-server",
        join(host.ovs, databaseFiles.vswitch),
        `--remote=p${database}`,
        "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
        "--pidfile",
        ...logging,
      ],
      ready: [host.ovsSocket],
    },
    {
      name: `${host.name}-vswitchd`,
      stage,
      on: host,
      after: [`${host.name}-ovsdb`],
      run: ["ovs-vswitchd", database, "--pidfile", ...logging],
      ready: [management(host, onNode.externalBridge)],
    },
  ];
}

/** Open vSwitch and the controller. */
export const chassisProcesses = (host: SwitchHost, stage: string): readonly PlannedProcess[] => [
  ...switchProcesses(host, stage),
  {
    name: `${host.name}-ovn-controller`,
    stage,
    on: host,
    after: [`${host.name}-vswitchd`],
    run: ["ovn-controller", `unix:${host.ovsSocket}`, "--pidfile", ...logging],
  },
];

/** The socket that ovs-vswitchd opens for a bridge as soon as the bridge exists. */
export const management = (host: SwitchHost, bridge: string): string => join(host.ovs, `${bridge}.mgmt`);
