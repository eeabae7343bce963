// Every process of a sandbox, in one table: where it runs, what it runs, what must be ready before it starts and
// which socket shows that it is ready itself.

import { join } from "node:path";
import { onNode } from "../src/model/names.ts";
import { hostEnvironment } from "./environment.ts";
import type { Host, Layout, NodeHost } from "./layout.ts";
import { databaseFiles } from "./ovn/databases.ts";
import type { ProcessSpec } from "./process/record.ts";

export interface PlannedProcess extends ProcessSpec {
  /** Names of the processes that must be ready first. */
  readonly after: readonly string[];
  /** What a user sees of it: a line of progress when all of the stage are ready. */
  readonly stage: string;
}

interface Entry {
  readonly name: string;
  readonly stage: string;
  readonly on: Host;
  readonly after?: readonly string[];
  readonly run: readonly string[];
  readonly ready?: string;
}

const centralStage = "OVN central: northbound, southbound, northd";
const nodeStage = "nodes: Open vSwitch and ovn-controller";

/** All log to standard error, which is the process's log file. */
const logging = ["-vconsole:info", "-vsyslog:off", "-vfile:off"];

export function processesOf(layout: Layout): readonly PlannedProcess[] {
  const entries = [...centralEntries(layout), ...layout.nodeHosts.flatMap(nodeEntries)];
  return entries.map(({ on, run, after = [], ...entry }) => ({
    ...entry,
    after,
    netns: on.netns,
    argv: [...run],
    env: hostEnvironment(layout, on),
  }));
}

function centralEntries({ central }: Layout): readonly Entry[] {
  const database = (file: string, socket: string, remotes: string): readonly string[] => [
    "ovsdb-server",
    join(central.directory, file),
    `--remote=punix:${socket}`,
    `--remote=db:${remotes}`,
    `--unixctl=${socket.replace(/\.sock$/, ".ctl")}`,
    `--pidfile=${socket.replace(/\.sock$/, ".pid")}`,
    ...logging,
  ];
  return [
    {
      name: "central-nb",
      stage: centralStage,
      on: central,
      run: database(
        databaseFiles.northbound,
        central.northboundSocket,
        "OVN_Northbound,NB_Global,connections",
      ),
      ready: central.northboundSocket,
    },
    {
      name: "central-sb",
      stage: centralStage,
      on: central,
      run: database(
        databaseFiles.southbound,
        central.southboundSocket,
        "OVN_Southbound,SB_Global,connections",
      ),
      ready: central.southboundSocket,
    },
    {
      name: "central-northd",
      stage: centralStage,
      on: central,
      after: ["central-nb", "central-sb"],
      run: [
        "ovn-northd",
        `--ovnnb-db=unix:${central.northboundSocket}`,
        `--ovnsb-db=unix:${central.southboundSocket}`,
        "--pidfile",
        ...logging,
      ],
    },
  ];
}

function nodeEntries(node: NodeHost): readonly Entry[] {
  const database = `unix:${node.ovsSocket}`;
  return [
    {
      name: `${node.name}-ovsdb`,
      stage: nodeStage,
      on: node,
      run: [
        "ovsdb-server",
        join(node.ovs, databaseFiles.vswitch),
        `--remote=p${database}`,
        "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
        "--pidfile",
        ...logging,
      ],
      ready: node.ovsSocket,
    },
    {
      name: `${node.name}-vswitchd`,
      stage: nodeStage,
      on: node,
      after: [`${node.name}-ovsdb`],
      run: ["ovs-vswitchd", database, "--pidfile", ...logging],
      ready: join(node.ovs, `${onNode.externalBridge}.mgmt`),
    },
    {
      name: `${node.name}-ovn-controller`,
      stage: nodeStage,
      on: node,
      after: [`${node.name}-vswitchd`],
      run: ["ovn-controller", database, "--pidfile", ...logging],
    },
  ];
}
