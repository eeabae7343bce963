// Why the uplink is not moved: each a sentence that says what to do instead. Pure. Nothing has been changed by then.

import { onNode } from "../../model/names.ts";
import type { BridgePort } from "../host/uplink.ts";
import { dhcpAdvice } from "./advice.ts";
import type { StandLink } from "./stand.ts";

const bridge = onNode.externalBridge;

/** On br-ex: the uplink that Weft has put into it. Weft removes only such a bridge. */
export const uplinkMark = "weft.io/uplink";

export interface ExternalBridge {
  readonly ports: readonly BridgePort[];
  /** Its external_ids:weft.io/uplink. */
  readonly mark: string | undefined;
  readonly hasController: boolean;
}

export interface Surroundings {
  readonly links: readonly StandLink[];
  readonly externalBridge: ExternalBridge | undefined;
}

/** The device of the best default route, or the one that the operator names. Throws when it cannot be the uplink. */
export function uplinkAmong({ links, externalBridge }: Surroundings, name: string): StandLink {
  const link = links.find(({ ifname }) => ifname === name);
  if (!link) throw new Error(`there is no interface ${name}; ip -brief link shows those there are`);
  const obstacle = obstacleOf(link) ?? foreignBridge(externalBridge, name, links);
  if (obstacle !== undefined) throw new Error(`${obstacle}. Nothing has been changed`);
  return link;
}

function obstacleOf({ ifname, flags, master, linkinfo, addr_info: infos }: StandLink): string | undefined {
  if (flags.includes("LOOPBACK")) return `${ifname} is the loopback interface, and leads nowhere`;
  if (!flags.includes("UP")) return `${ifname} is down: ip link set ${ifname} up`;
  if (master !== undefined && linkinfo.info_slave_kind !== "openvswitch")
    return `${ifname} is part of ${master}: name that one (--uplink ${master})`;
  if (linkinfo.info_kind === "bridge")
    return `${ifname} is a Linux bridge, which cannot be a port of Open vSwitch: take its own port out and name that (ip link set PORT nomaster), or join the two by a veth`;
  if (linkinfo.info_kind === "openvswitch") return `${ifname} is an interface of Open vSwitch itself`;
  if (linkinfo.info_kind === "wireguard" || linkinfo.info_kind === "tun" || flags.includes("POINTOPOINT"))
    return `${ifname} carries no Ethernet (${linkinfo.info_kind ?? "point to point"}): choose a card, a bond, a VLAN or a veth`;
  const leased = infos.filter(({ dynamic, scope }) => dynamic && scope === "global");
  if (leased.length > 0)
    return dhcpAdvice(
      ifname,
      leased.map(({ local }) => local),
    );
  return undefined;
}

function foreignBridge(
  externalBridge: ExternalBridge | undefined,
  uplink: string,
  links: readonly StandLink[],
): string | undefined {
  if (!externalBridge) {
    return links.some(({ ifname, linkinfo }) => ifname === bridge && linkinfo.info_kind !== "tun")
      ? `there is an interface ${bridge} that does not belong to Open vSwitch: rename or remove it`
      : undefined;
  }
  if (externalBridge.hasController)
    return `another OpenFlow controller programs ${bridge} (ovs-vsctl get-controller ${bridge})`;
  if (externalBridge.mark !== undefined && externalBridge.mark !== uplink)
    return `${bridge} has been set up with the uplink ${externalBridge.mark}; move that one back first: weft node uplink --undo`;
  const others = externalBridge.ports
    .filter(
      ({ name, external_ids: ids }) =>
        name !== bridge && name !== uplink && !ids.keys().some((key) => key.startsWith("ovn-")),
    )
    .map(({ name }) => name);
  return others.length > 0
    ? `${bridge} has ports that are not Weft's (${others.join(", ")}): it belongs to somebody else; remove it if it is not needed (ovs-vsctl del-br ${bridge}), or keep it and make ${uplink} its uplink by hand`
    : undefined;
}
