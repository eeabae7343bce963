// The database files, written before any server runs. ovsdb-tool puts their initial content in as one transaction, so
// no process has to wait for another just to be configured.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { onNode } from "../../src/model/names.ts";
import { uplink } from "../fabric/fabric.ts";
import { datapathTypes, type SwitchHost } from "../host.ts";
import { isOwn, type Layout, switchesOf } from "../layout.ts";
import { run } from "../process/run.ts";
import { schemaFile } from "./choice.ts";

export const databaseFiles = {
  northbound: "ovnnb_db.db",
  southbound: "ovnsb_db.db",
  vswitch: "conf.db",
} as const;

/** Longer than the longest recompute of an ovn-controller, during which it answers no probe. */
const inactivityProbeMs = 180_000;

export async function createDatabases(
  layout: Layout,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const create = async (
    directory: string,
    file: string,
    schema: string,
    operations: readonly unknown[],
  ): Promise<void> => {
    await mkdir(directory, { recursive: true });
    const path = join(directory, file);
    await run(["ovsdb-tool", "create", path, schema], { env, signal });
    await run(["ovsdb-tool", "transact", path, JSON.stringify(operations)], { env, signal });
  };
  const { central } = layout;
  const centralDatabases = (): readonly Promise<void>[] => [
    create(
      central.directory,
      databaseFiles.northbound,
      schemaFile(layout.ovn, "ovn/ovn-nb"),
      listening("OVN_Northbound", "NB_Global", central.northbound),
    ),
    create(
      central.directory,
      databaseFiles.southbound,
      schemaFile(layout.ovn, "ovn/ovn-sb"),
      listening("OVN_Southbound", "SB_Global", central.southbound),
    ),
  ];
  await Promise.all([
    ...(isOwn(layout, central) ? centralDatabases() : []),
    ...switchesOf(layout).map((host) =>
      create(
        host.ovs,
        databaseFiles.vswitch,
        schemaFile(layout.ovn, "openvswitch/vswitch"),
        uplinkBridge(host),
      ),
    ),
  ]);
}

/** The one row of the table `root`, and the remote on which its server listens. */
function listening(database: string, root: string, remote: string): readonly unknown[] {
  const connection = {
    target: `p${remote.replace(/^tcp:(.*):(\d+)$/, "tcp:$2:$1")}`,
    inactivity_probe: inactivityProbeMs,
  };
  return [
    database,
    insert("Connection", "listener", connection),
    insert(root, "root", { connections: ["named-uuid", "listener"] }),
  ];
}

/** br-ex with the uplink in it, as a machine's administrator would have set it up before installing Weft. */
function uplinkBridge({ mac, vlan, datapath, externalIds }: SwitchHost): readonly unknown[] {
  const bridge = onNode.externalBridge;
  const port = (name: string, type: string, more: object): readonly unknown[] => [
    insert("Interface", `interface_${symbol(name)}`, { name, type }),
    insert("Port", `port_${symbol(name)}`, {
      name,
      interfaces: ["named-uuid", `interface_${symbol(name)}`],
      ...more,
    }),
  ];
  return [
    "Open_vSwitch",
    ...port(bridge, "internal", vlan === undefined ? {} : { tag: vlan }),
    ...port(uplink, "", {}),
    insert("Bridge", "bridge", {
      name: bridge,
      datapath_type: datapathTypes[datapath],
      other_config: ["map", [["hwaddr", mac]]],
      ports: ["set", [bridge, uplink].map((name) => ["named-uuid", `port_${symbol(name)}`])],
    }),
    insert("Open_vSwitch", "root", {
      bridges: ["named-uuid", "bridge"],
      external_ids: ["map", Object.entries(externalIds)],
    }),
  ];
}

const insert = (table: string, name: string, row: Readonly<Record<string, unknown>>): unknown => ({
  op: "insert",
  table,
  "uuid-name": name,
  row,
});

/** A name that RFC 7047 allows for a row of the same transaction: no hyphen. */
const symbol = (name: string): string => name.replaceAll("-", "_");
