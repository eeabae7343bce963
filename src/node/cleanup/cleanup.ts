// Removes what Weft has made on a node. Run again, it finds nothing. Pods that still run lose their
// network; br-ex and the node's addresses on it stay (`weft node uplink --undo` moves them).

import { rm } from "node:fs/promises";
import { onNode } from "../../model/names.ts";
import { bridgeCookie, noBridgeFlows } from "../host/bridgeFlows.ts";
import { removeLinks } from "../host/podLink.ts";
import { CommandError, type Run } from "../host/run.ts";
import type { Vswitch } from "../ovs/vswitch.ts";
import type { Writer } from "../ovs/writer.ts";
import { noWayInFlows, wayInCookie } from "../wayIn/flows.ts";
import type { Traces } from "./traces.ts";

export interface CleanNode {
  readonly db: Vswitch;
  readonly writer: Writer;
  readonly run: Run;
  readonly ovsRunDirectory: string;
}

const socketOf = (ovsRunDirectory: string): string => `unix:${ovsRunDirectory}/${onNode.externalBridge}.mgmt`;

/** Whether br-ex has flows of Weft's. */
export async function hasBridgeFlows({
  run,
  ovsRunDirectory,
}: Pick<CleanNode, "run" | "ovsRunDirectory">): Promise<boolean> {
  try {
    const shown = await run(["ovs-ofctl", "-OOpenFlow14", "dump-flows", socketOf(ovsRunDirectory)]);
    return [bridgeCookie, wayInCookie].some((cookie) => shown.includes(`cookie=${cookie},`));
  } catch (error) {
    // There is no bridge.
    if (error instanceof CommandError) return false;
    throw error;
  }
}

/** First the configuration, so that the runtime starts no more pods; last the links, which the ports hold. */
export async function clean(node: CleanNode, traces: Traces): Promise<void> {
  const { db, writer, run } = node;
  for (const file of traces.files) await rm(file, { force: true });
  const [root] = db.table("Open_vSwitch").values();
  if (root) {
    await writer.write((tx) => {
      const { remove, set } = traces.ids;
      if (remove.length > 0 || set.size > 0)
        tx.mutateMap("Open_vSwitch", root._uuid, "external_ids", { delete: remove, insert: set });
      if (traces.bridge) tx.mutateSet("Open_vSwitch", root._uuid, "bridges", "delete", [traces.bridge.uuid]);
      for (const { bridge, port } of traces.ports) tx.mutateSet("Bridge", bridge, "ports", "delete", [port]);
      for (const pool of traces.pools) tx.delete("Queue", pool);
    });
  }
  if (traces.hasFlows) {
    const bundle = [
      "ovs-ofctl",
      "-OOpenFlow14",
      "--bundle",
      "add-flows",
      socketOf(node.ovsRunDirectory),
      "-",
    ] as const;
    await run(bundle, { stdin: `${noWayInFlows()}${noBridgeFlows()}` });
  }
  for (const table of traces.tables) await run(["nft", "delete", "table", "inet", table]);
  await removeLinks(run, traces.links);
}

/** In the words of an operator; empty when the node is clean. */
export const traceTexts = ({
  ports,
  bridge,
  ids,
  pools,
  hasFlows,
  links,
  tables,
  files,
}: Traces): readonly string[] => [
  ...files.map((file) => `file ${file}`),
  ...(bridge
    ? [`bridge ${bridge.name} of Open vSwitch, with its tunnels and ${onNode.managementInterface}`]
    : []),
  ...ports.map(({ name }) => `port ${name} of Open vSwitch`),
  ...[...ids.remove].map((key) => `Open_vSwitch external_ids:${key}`),
  ...ids.set.keys().map((key) => `Weft's part of Open_vSwitch external_ids:${key}`),
  ...pools.map((uuid) => `pool of ready ports (Queue ${uuid})`),
  ...(hasFlows ? [`Weft's flows on ${onNode.externalBridge}`] : []),
  ...tables.map((name) => `nftables table inet ${name}`),
  ...links.map((name) => `interface ${name} of a pod`),
];
