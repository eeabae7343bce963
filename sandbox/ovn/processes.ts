// The processes of OVN and Open vSwitch: the databases and northd in the middle, and on each node the database, the
// switch and the controller that translates one into the other.

import { join } from "node:path";
import { onNode } from "../../src/model/names.ts";
import type { Layout, NodeHost } from "../layout.ts";
import type { PlannedProcess } from "../plan.ts";
import { databaseFiles } from "./databases.ts";

const central = "OVN central: northbound, southbound, northd";
const nodes = "nodes: Open vSwitch and ovn-controller";

/** All log to standard error, which is the process's log file. */
const logging = ["-vconsole:info", "-vsyslog:off", "-vfile:off"];

export function centralProcesses({ central: host }: Layout): readonly PlannedProcess[] {
  const database = (file: string, socket: string, remotes: string): readonly string[] => [
    "ovsdb-server",
    join(host.directory, file),
    `--remote=punix:${socket}`,
    `--remote=db:${remotes}`,
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
      run: database(databaseFiles.northbound, northbound, "OVN_Northbound,NB_Global,connections"),
      ready: [northbound],
    },
    {
      name: "central-sb",
      stage: central,
      on: host,
      run: database(databaseFiles.southbound, southbound, "OVN_Southbound,SB_Global,connections"),
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

export function nodeProcesses(node: NodeHost): readonly PlannedProcess[] {
  const database = `unix:${node.ovsSocket}`;
  return [
    {
      name: `${node.name}-ovsdb`,
      stage: nodes,
      on: node,
      run: [
        "ovsdb-server",
        join(node.ovs, databaseFiles.vswitch),
        `--remote=p${database}`,
        "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
        "--pidfile",
        ...logging,
      ],
      ready: [node.ovsSocket],
    },
    {
      name: `${node.name}-vswitchd`,
      stage: nodes,
      on: node,
      after: [`${node.name}-ovsdb`],
      run: ["ovs-vswitchd", database, "--pidfile", ...logging],
      ready: [join(node.ovs, `${onNode.externalBridge}.mgmt`)],
    },
    {
      name: `${node.name}-ovn-controller`,
      stage: nodes,
      on: node,
      after: [`${node.name}-vswitchd`],
      run: ["ovn-controller", database, "--pidfile", ...logging],
    },
  ];
}
