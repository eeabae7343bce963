// What the node's Open vSwitch database must say before ovn-controller can work: who this chassis is, where OVN is, and
// the integration bridge. Written only where it differs: any write to external_ids makes ovn-controller compute
// everything anew, which takes seconds in a large cluster.

import { onNode } from "../../model/names.ts";
import type { InterfaceRow, Vswitch } from "./vswitch.ts";
import { bridgeNamed, interfaceNamed } from "./vswitch.ts";
import type { Writer } from "./writer.ts";

export interface Chassis {
  readonly nodeName: string;
  /** Used when the database names no chassis yet. */
  readonly chassisId: string;
  /** The southbound database: `tcp:172.30.0.2:6642`. */
  readonly ovnRemote: string;
  readonly encapIp: string;
}

/** Longer than the longest recompute of ovn-controller, during which it answers nobody. */
const remoteProbeMs = 180_000;

/**
 * How long an ovn-controller that starts leaves its predecessor's flows alone, to compute its own first. It also waits so
 * long, for nothing, after each start of vswitchd, which interrupts all traffic: so it is short. An operator of a large
 * cluster, where computing takes longer, sets it in the database, and that stays.
 */
const beforeClearMs = 300;
const beforeClear = "ovn-ofctrl-wait-before-clear";

/**
 * The southbound database whole, instead of what concerns this chassis: one router joins all nodes' switches, so that is the
 * same, and ovn-controller would state anew what concerns it with each port that it binds. Beside 1,000 switches that more than
 * doubled the time until a pod's port was installed. What an operator has set stays.
 */
const monitorAll = "ovn-monitor-all";

/** The entries of Open_vSwitch.external_ids that this node needs, given those it has. */
export function chassisIds(
  chassis: Chassis,
  present: ReadonlyMap<string, string>,
  userspace: boolean,
): ReadonlyMap<string, string> {
  return new Map([
    ["system-id", present.get("system-id") ?? chassis.chassisId],
    ["hostname", chassis.nodeName],
    ["ovn-remote", chassis.ovnRemote],
    ["ovn-encap-type", "geneve"],
    ["ovn-encap-ip", chassis.encapIp],
    ["ovn-remote-probe-interval", String(remoteProbeMs)],
    [beforeClear, present.get(beforeClear) ?? String(beforeClearMs)],
    [monitorAll, present.get(monitorAll) ?? "true"],
    ["ovn-bridge-mappings", withMapping(present.get("ovn-bridge-mappings") ?? "")],
    ...(userspace ? [["ovn-bridge-datapath-type", "netdev"] as const] : []),
  ]);
}

/** Whether packets go through the userspace datapath: as the external bridge does, else by what the machine has. */
export function isUserspace(db: Vswitch): boolean {
  const external = bridgeNamed(db, onNode.externalBridge);
  if (external) return external.datapath_type === "netdev";
  const [root] = db.table("Open_vSwitch").values();
  return root !== undefined && !root.datapath_types.includes("system");
}

/** Makes the database say it. Resolves with the chassis' id. */
export async function prepareChassis(db: Vswitch, writer: Writer, chassis: Chassis): Promise<string> {
  const [root] = db.table("Open_vSwitch").values();
  if (!root) throw new Error("the Open vSwitch database is not initialized (ovs-vsctl init)");
  const userspace = isUserspace(db);
  const wanted = chassisIds(chassis, root.external_ids, userspace);
  const different = new Map([...wanted].filter(([key, value]) => root.external_ids.get(key) !== value));
  if (different.size > 0) {
    await writer.write((tx) =>
      tx.mutateMap("Open_vSwitch", root._uuid, "external_ids", { insert: different }),
    );
  }
  await prepareBridge(db, writer, root._uuid, userspace ? "netdev" : "system");
  return wanted.get("system-id") ?? chassis.chassisId;
}

async function prepareBridge(db: Vswitch, writer: Writer, root: string, datapath: string): Promise<void> {
  const name = onNode.integrationBridge;
  const bridge = bridgeNamed(db, name);
  if (!bridge) {
    const [interfaceUuid, portUuid, bridgeUuid] = [1, 2, 3].map(() => crypto.randomUUID());
    await writer.write((tx) =>
      tx
        .insert("Interface", { name, type: "internal" }, interfaceUuid)
        .insert("Port", { name, interfaces: [interfaceUuid ?? ""] }, portUuid)
        .insert(
          "Bridge",
          { name, ports: [portUuid ?? ""], datapath_type: datapath, fail_mode: "secure" },
          bridgeUuid,
        )
        .mutateSet("Open_vSwitch", root, "bridges", "insert", [bridgeUuid ?? ""]),
    );
  } else if (bridge.fail_mode !== "secure" || bridge.datapath_type !== datapath) {
    await writer.write((tx) =>
      tx.update("Bridge", bridge._uuid, { fail_mode: "secure", datapath_type: datapath }),
    );
  }
}

/** The node's own port on its switch, an interface that Open vSwitch makes. */
export interface ManagementInterface {
  readonly portName: string;
  readonly mac: string;
  readonly mtuBytes: number;
}

export async function prepareManagementInterface(
  db: Vswitch,
  writer: Writer,
  { portName, mac, mtuBytes }: ManagementInterface,
): Promise<void> {
  const name = onNode.managementInterface;
  const found = interfaceNamed(db, name);
  const columns = { mac, mtu_request: mtuBytes };
  if (found) {
    if (isSame(found, portName, mac, mtuBytes)) return;
    await writer.write((tx) =>
      tx
        .update("Interface", found._uuid, columns)
        .mutateMap("Interface", found._uuid, "external_ids", { insert: new Map([["iface-id", portName]]) }),
    );
    return;
  }
  const bridge = bridgeNamed(db, onNode.integrationBridge);
  if (!bridge) throw new Error(`Open vSwitch has no bridge ${onNode.integrationBridge}`);
  const interfaceUuid = crypto.randomUUID();
  const portUuid = crypto.randomUUID();
  const externalIds = new Map([["iface-id", portName]]);
  await writer.write((tx) =>
    tx
      .insert("Interface", { name, type: "internal", ...columns, external_ids: externalIds }, interfaceUuid)
      .insert("Port", { name, interfaces: [interfaceUuid] }, portUuid)
      .mutateSet("Bridge", bridge._uuid, "ports", "insert", [portUuid]),
  );
}

const isSame = (row: InterfaceRow, portName: string, mac: string, mtuBytes: number): boolean =>
  row.external_ids.get("iface-id") === portName && row.mac === mac && row.mtu_request === mtuBytes;

function withMapping(mappings: string): string {
  const others = mappings
    .split(",")
    .filter((pair) => pair !== "" && !pair.startsWith(`${onNode.physicalNetwork}:`));
  return [...others, `${onNode.physicalNetwork}:${onNode.externalBridge}`].join(",");
}
