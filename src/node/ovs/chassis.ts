// What ovn-controller needs in the node's Open vSwitch database: the chassis' identity, the address of OVN, and the
// integration bridge. Only differences are written, because any write to external_ids makes ovn-controller recompute
// everything, which takes seconds in a large cluster.

import { chassisMark, chassisMarkKey, onNode } from "../../model/names.ts";
import type { Check } from "../nouns/check.ts";
import type { BridgeRow, InterfaceRow, Vswitch } from "./vswitch.ts";
import { bridgeNamed, interfaceNamed } from "./vswitch.ts";
import type { Writer } from "./writer.ts";

export interface Chassis {
  readonly cluster: string;
  readonly nodeName: string;
  /** Used when the database has no chassis id yet. */
  readonly chassisId: string;
  /** The southbound database: `tcp:172.30.0.2:6642`. */
  readonly ovnRemote: string;
  readonly encapIp: string;
}

/**
 * After this time without a word from the southbound database, ovn-controller asks whether it is there, and after the same time
 * again it turns to another remote. So a database server whose machine has died is left after 40 s, which is when Kubernetes
 * gives a node up, too. A recompute of ovn-controller may take longer: only silence while it listens counts
 * (receive_attempted in ovs/reconnect.py). How long the server waits for a busy ovn-controller is the server's own setting.
 */
const remoteProbeMs = 20_000;

/**
 * How long a starting ovn-controller keeps the flows of its predecessor while it computes its own. It waits that long
 * after each start of vswitchd too, where there is nothing to keep and all traffic is interrupted, so the value is
 * short. In a large cluster computing takes longer: an operator sets another value in the database, and Weft leaves
 * it alone.
 */
const beforeClearMs = 300;
const beforeClear = "ovn-ofctrl-wait-before-clear";

/**
 * Whether ovn-controller copies the whole southbound database rather than the part that concerns its chassis. One
 * router joins the switches of all nodes, so that part is the whole; but ovn-controller would send its
 * conditions anew with each port it binds. Beside 1,000 switches that more than doubled the time until a pod's port
 * was installed. Weft leaves an operator's value alone.
 */
const monitorAll = "ovn-monitor-all";

/** The entries of Open_vSwitch.external_ids that this node needs, given the present ones. */
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
    ["ovn-cms-options", withMark(present.get("ovn-cms-options") ?? "", chassis.cluster)],
    ["ovn-bridge-mappings", withMapping(present.get("ovn-bridge-mappings") ?? "")],
    ...(userspace ? [["ovn-bridge-datapath-type", "netdev"] as const] : []),
  ]);
}

/**
 * Whether packets go through the userspace datapath: the external bridge decides, or without one what the machine
 * supports.
 */
export function isUserspace(db: Vswitch): boolean {
  const external = bridgeNamed(db, onNode.externalBridge);
  if (external) return external.datapath_type === "netdev";
  const [root] = db.table("Open_vSwitch").values();
  return root !== undefined && !root.datapath_types.includes("system");
}

/** Writes the chassis to the database. Resolves with the chassis id. */
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
  await prepareBridge(db, writer, root._uuid, datapathOf(db));
  return wanted.get("system-id") ?? chassis.chassisId;
}

/** Compares the database with what `prepareChassis` writes. */
export const chassisCheck = (db: Vswitch, chassis: Chassis): Check => ({
  reportedBy: "database",
  difference: async () => {
    const [root] = db.table("Open_vSwitch").values();
    if (!root) return undefined;
    const { external_ids: ids } = root;
    const wanted = chassisIds(chassis, ids, isUserspace(db));
    for (const [key, value] of wanted)
      if (ids.get(key) !== value)
        return `external_ids:${key} of Open vSwitch is ${ids.get(key) ?? "missing"}, not ${value}`;
    const bridge = bridgeNamed(db, onNode.integrationBridge);
    if (!bridge) return `${onNode.integrationBridge} is missing`;
    if (isIntegration(bridge, datapathOf(db))) return undefined;
    return `${onNode.integrationBridge} has the datapath type ${bridge.datapath_type} and the fail mode ${bridge.fail_mode ?? "standalone"}`;
  },
});

const datapathOf = (db: Vswitch): string => (isUserspace(db) ? "netdev" : "system");

const isIntegration = (bridge: BridgeRow, datapath: string): boolean =>
  bridge.fail_mode === "secure" && bridge.datapath_type === datapath;

/** The chassis id that ovn-controller uses. */
export function systemIdOf(db: Vswitch): string | undefined {
  const [root] = db.table("Open_vSwitch").values();
  return root?.external_ids.get("system-id");
}

/** Takes ovn-controller off the southbound database: two of them with one chassis id move each other's tunnels. */
export async function leaveOvn(db: Vswitch, writer: Writer): Promise<void> {
  const [root] = db.table("Open_vSwitch").values();
  if (!root?.external_ids.has("ovn-remote")) return;
  await writer.write((tx) =>
    tx.mutateMap("Open_vSwitch", root._uuid, "external_ids", { delete: ["ovn-remote"] }),
  );
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
  } else if (!isIntegration(bridge, datapath)) {
    await writer.write((tx) =>
      tx.update("Bridge", bridge._uuid, { fail_mode: "secure", datapath_type: datapath }),
    );
  }
}

/** The node's own port on its switch: an internal interface of Open vSwitch. */
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

/** Compares the row with what `prepareManagementInterface` writes. */
export const managementInterfaceCheck = (
  db: Vswitch,
  { portName, mac, mtuBytes }: ManagementInterface,
): Check => ({
  reportedBy: "database",
  difference: async () => {
    const found = interfaceNamed(db, onNode.managementInterface);
    if (!found) return `Open vSwitch has no interface ${onNode.managementInterface}`;
    if (isSame(found, portName, mac, mtuBytes)) return undefined;
    return `iface-id, mac or mtu_request of ${onNode.managementInterface} in Open vSwitch is another one`;
  },
});

const isSame = (row: InterfaceRow, portName: string, mac: string, mtuBytes: number): boolean =>
  row.external_ids.get("iface-id") === portName && row.mac === mac && row.mtu_request === mtuBytes;

/** The mark proves to the controller that this chassis is one of its cluster, even when the node is gone. */
function withMark(options: string, cluster: string): string {
  const others = options.split(",").filter((option) => option !== "" && !option.startsWith(chassisMarkKey));
  return [...others, chassisMark(cluster)].join(",");
}

function withMapping(mappings: string): string {
  const others = mappings
    .split(",")
    .filter((pair) => pair !== "" && !pair.startsWith(`${onNode.physicalNetwork}:`));
  return [...others, `${onNode.physicalNetwork}:${onNode.externalBridge}`].join(",");
}
