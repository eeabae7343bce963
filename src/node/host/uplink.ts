// The ports of the external bridge: the uplink, which leads to the network and may be a bond of several interfaces, and the
// port to OVN. Other ports may be there too: those of pods in underlay mode, internal ones, tunnels.

import { onNode } from "../../model/names.ts";
import {
  attachmentKeys,
  type BridgeRow,
  bridgeNamed,
  type InterfaceRow,
  interfacesOf,
  type PortRow,
  type Vswitch,
} from "../ovs/vswitch.ts";

type Wire = Pick<
  InterfaceRow,
  "name" | "type" | "external_ids" | "ofport" | "ifindex" | "mtu" | "mtu_request" | "mac_in_use"
>;

export interface BridgePort
  extends Pick<PortRow, "name" | "external_ids" | "tag" | "bond_mode" | "bond_active_slave"> {
  readonly wires: readonly Wire[];
}

export interface ExternalPorts {
  readonly uplink: BridgePort;
  /** The bridge's own port, which has the node's addresses. */
  readonly local: BridgePort | undefined;
  /** The port to br-int, which ovn-controller makes once OVN has an external switch for this node. */
  readonly patch: Wire | undefined;
}

/** On the bridge, `external_ids:bridge-uplink=NAME` says which of several ports is the uplink (as in ovn-kubernetes). */
export const uplinkKey = "bridge-uplink";

/** Throws when there is no external bridge, or when it is not clear which of its ports is the uplink. */
export function externalPorts(db: Vswitch, localnetPort?: string): ExternalPorts {
  const name = onNode.externalBridge;
  const bridge = bridgeNamed(db, name);
  if (!bridge) {
    throw new Error(`Open vSwitch has no bridge ${name}: make it, with the node's uplink and address on it`);
  }
  return portsAmong(portsOf(db, bridge), bridge.external_ids.get(uplinkKey), localnetPort);
}

/** The bridge's ports, without those of pods, which come and go on the same bridge in underlay mode. */
export const portsOf = (db: Vswitch, bridge: BridgeRow | undefined): readonly BridgePort[] =>
  (bridge?.ports ?? []).flatMap((uuid) => {
    const row = db.table("Port").get(uuid);
    const wires = interfacesOf(db, [uuid]);
    const isPods = wires.some(({ external_ids: ids }) => ids.has(attachmentKeys.container));
    return row && !isPods ? [{ ...row, wires }] : [];
  });

/** `localnetPort`, given in overlay mode, is the OVN port that stands for the physical network. */
export function portsAmong(
  ports: readonly BridgePort[],
  chosen: string | undefined,
  localnetPort?: string,
): ExternalPorts {
  const name = onNode.externalBridge;
  const candidates = ports.filter((port) => (chosen === undefined ? mayLeadOut(port) : port.name === chosen));
  const [uplink] = candidates;
  if (!uplink || candidates.length > 1) throw new Error(whichUplink(candidates, chosen));
  const local = ports.find((port) => port.name === name);
  const tagged = [uplink, local].find((port) => port?.tag !== undefined);
  if (localnetPort !== undefined && tagged) {
    throw new Error(
      `port ${tagged.name} of ${name} has the VLAN tag ${tagged.tag}, which Weft's flows would bypass: remove it, and make a VLAN interface of the kernel the uplink (ip link add link ${uplink.name} name ${uplink.name}.${tagged.tag} type vlan id ${tagged.tag})`,
    );
  }
  // ovn-controller names it so (controller/patch.c).
  const patchName = `patch-${localnetPort}-to-${onNode.integrationBridge}`;
  return {
    uplink,
    local,
    patch: ports.flatMap(({ wires }) => wires).find((wire) => wire.name === patchName),
  };
}

const tunnels = new Set(["geneve", "gre", "vxlan", "erspan", "stt", "lisp"]);

/** Ports that ovn-controller makes say for which logical port (`ovn-localnet-port`, controller/patch.c). */
const isOfOvn = ({ external_ids: ids }: BridgePort): boolean =>
  ids.keys().some((key) => key.startsWith("ovn-"));

const mayLeadOut = (port: BridgePort): boolean =>
  port.name !== onNode.externalBridge &&
  !isOfOvn(port) &&
  port.wires.some(({ type }) => type !== "internal" && !tunnels.has(type));

function whichUplink(candidates: readonly BridgePort[], chosen: string | undefined): string {
  const name = onNode.externalBridge;
  if (chosen !== undefined) {
    return `${name} has no port ${chosen}, which its external_ids:${uplinkKey} names as the uplink`;
  }
  const list = candidates.map((port) => port.name).join(", ") || "none";
  const help =
    candidates.length > 1
      ? `; say which one leads to the network: ovs-vsctl br-set-external-id ${name} ${uplinkKey} PORT`
      : "";
  return `${name} needs exactly one uplink among its ports; it has: ${list}${help}`;
}

/** The largest packet that the uplink takes, as far as Open vSwitch knows it. */
export function mtuOf({ uplink, local }: ExternalPorts): number | undefined {
  // Not the bridge's actual MTU: Open vSwitch holds that down to the least of all ports, and in underlay mode pods are there.
  const known = [
    ...uplink.wires.flatMap(({ mtu }) => mtu ?? []),
    ...(local?.wires ?? []).flatMap(({ mtu_request: mtu }) => mtu ?? []),
  ];
  return known.length > 0 ? Math.min(...known.map(Number)) : undefined;
}

/** The OpenFlow numbers of the uplink's interfaces; undefined until Open vSwitch has opened one. */
export function uplinkNumbers({ wires }: BridgePort): readonly number[] | undefined {
  const numbers = wires.flatMap(({ ofport }) => (ofport !== undefined && ofport > 0 ? [Number(ofport)] : []));
  return numbers.length > 0 ? numbers : undefined;
}

/**
 * The OpenFlow action that sends to the network. A flow bypasses a bond of Open vSwitch, so it has to choose the interface
 * itself: the active one where only one is, and otherwise one that is up, by the connection where LACP makes that possible.
 */
export function outputTo(uplink: BridgePort): string {
  const numbers = uplinkNumbers(uplink) ?? [];
  const [only, second] = numbers;
  if (second === undefined) return `output:${only}`;
  const members = (list: readonly number[]): string => `ofport,members:${list.join(",")})`;
  if (uplink.bond_mode === "balance-tcp") return `bundle(symmetric_l4,0,hrw,${members(numbers)}`;
  const active = Number(uplink.wires.find(({ mac_in_use: mac }) => mac === uplink.bond_active_slave)?.ofport);
  const activeFirst = numbers.toSorted((a, b) => Number(b === active) - Number(a === active));
  return `bundle(eth_src,0,active_backup,${members(activeFirst)}`;
}

/** What the flows and announcements depend on, as text. */
export const portText = ({
  name,
  tag,
  bond_mode: mode,
  bond_active_slave: active,
  wires,
}: BridgePort): string =>
  [
    ...[name, tag, mode, active],
    ...wires.flatMap((wire) => [wire.name, wire.ofport, wire.ifindex]),
    ...wires.flatMap((wire) => [wire.mtu, wire.mtu_request, wire.mac_in_use]),
  ].join(" ");
