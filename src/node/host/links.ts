// The text of `ip -batch` for a pod's link. One batch, in the node's namespace, makes the veth pair with the far end
// already in the pod; a second one, in the pod's namespace, configures that end. The first batch cannot bring the far
// end up, because veth refuses to open before both ends are registered.

import { hash } from "node:crypto";
import { formatCidr, formatIp } from "../../model/ip.ts";
import { networkAround } from "../../model/network.ts";
import type { PodLink } from "../nouns/link.ts";

/**
 * The name of the node's end. It is computed from the attachment, so that an agent can find it after a crash. Linux
 * allows 15 characters: 56 bits of a hash, after a `w` so that nobody takes the name for a number.
 */
export const hostInterfaceOf = (container: string, ifname: string): string =>
  `w${hash("sha256", `${container}/${ifname}`, "hex").slice(0, 14)}`;

/** Runs in the node's namespace. Fails when either name is taken. */
export function hostBatch({ hostInterface, netns, ifname, mtu: { linkBytes }, network }: PodLink): string {
  const peer = `peer name ${ifname} mtu ${linkBytes} address ${network.mac} netns ${netns}`;
  return lines(
    `link add name ${hostInterface} mtu ${linkBytes} type veth ${peer}`,
    `link set dev ${hostInterface} addrgenmode none up`,
  );
}

/**
 * Runs in the pod's namespace. IPv6 addresses skip duplicate detection, since OVN lets nobody else use them. The kernel's own
 * route to the subnet would have the interface's MTU, so it is left out and made here.
 */
export function podBatch(link: PodLink): string {
  const { ifname, network } = link;
  return lines(
    ...network.addresses.map((address) => {
      const nodad = address.ip.family === 6 ? " nodad" : "";
      return `address add ${formatCidr(address)} dev ${ifname} noprefixroute${nodad}`;
    }),
    `link set dev ${ifname} up`,
    ...routesOf(link).map((route) => `route add ${route}`),
  );
}

/** Runs in the pod's namespace. Gives its routes another MTU, unless the pod has changed them. */
export const retuneBatch = (link: Pick<PodLink, "ifname" | "network" | "mtu">): string =>
  lines(...routesOf(link).map((route) => `route change ${route}`));

function routesOf({ ifname, network, mtu }: Pick<PodLink, "ifname" | "network" | "mtu">): readonly string[] {
  return [
    ...network.addresses.map((address) => {
      const source = address.ip.family === 4 ? ` scope link src ${formatIp(address.ip)}` : " metric 256";
      const subnet = formatCidr(networkAround(address));
      return `${subnet} dev ${ifname} proto kernel${source} mtu ${mtu.routeBytes}`;
    }),
    ...network.gateways.map((gateway) => {
      const everywhere = gateway.family === 4 ? "0.0.0.0/0" : "::/0";
      return `${everywhere} via ${formatIp(gateway)} dev ${ifname} mtu ${mtu.routeBytes}`;
    }),
  ];
}

const lines = (...commands: readonly string[]): string => commands.map((command) => `${command}\n`).join("");
