// The text of `ip -batch` for a pod's link. One batch, in the node's namespace, makes the veth pair with the far end
// already in the pod; a second one, in the pod's namespace, configures that end. The first batch cannot bring the far
// end up, because veth refuses to open before both ends are registered.

import { hash } from "node:crypto";
import { formatCidr, formatIp } from "../../model/ip.ts";
import type { PodLink } from "../nouns/link.ts";

/**
 * The name of the node's end. It is computed from the attachment, so that an agent can find it after a crash. Linux
 * allows 15 characters: 56 bits of a hash, after a `w` so that nobody takes the name for a number.
 */
export const hostInterfaceOf = (container: string, ifname: string): string =>
  `w${hash("sha256", `${container}/${ifname}`, "hex").slice(0, 14)}`;

/** Runs in the node's namespace. Fails when either name is taken. */
export function hostBatch({ hostInterface, netns, ifname, mtuBytes, network }: PodLink): string {
  const peer = `peer name ${ifname} mtu ${mtuBytes} address ${network.mac} netns ${netns}`;
  return lines(
    `link add name ${hostInterface} mtu ${mtuBytes} type veth ${peer}`,
    `link set dev ${hostInterface} addrgenmode none up`,
  );
}

/** Runs in the pod's namespace. IPv6 addresses skip duplicate detection, since OVN lets nobody else use them. */
export function podBatch({ ifname, network }: PodLink): string {
  return lines(
    ...network.addresses.map((address) => {
      const nodad = address.ip.family === 6 ? " nodad" : "";
      return `address add ${formatCidr(address)} dev ${ifname}${nodad}`;
    }),
    `link set dev ${ifname} up`,
    ...network.gateways.map((gateway) => {
      const everywhere = gateway.family === 4 ? "0.0.0.0/0" : "::/0";
      return `route add ${everywhere} via ${formatIp(gateway)} dev ${ifname}`;
    }),
  );
}

const lines = (...commands: readonly string[]): string => commands.map((command) => `${command}\n`).join("");
