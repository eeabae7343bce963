// The text of `ip -batch` for a pod's link: one batch in the node's namespace makes the pair with its far end already
// in the pod, a second one in the pod's namespace configures that end. The far end cannot be made `up` from the first
// batch: veth refuses to open before both ends are registered.

import { hash } from "node:crypto";
import { formatCidr, formatIp } from "../../model/ip.ts";
import type { PodLink } from "../nouns/link.ts";

/**
 * The name of the node's end: the same for the same attachment, so that whoever comes after a crash finds it. 56 bits
 * of a hash, for Linux allows 15 characters; `w` first, so that nobody takes it for a number.
 */
export const hostInterfaceOf = (container: string, ifname: string): string =>
  `w${hash("sha256", `${container}/${ifname}`, "hex").slice(0, 14)}`;

/** For the node's namespace. Fails when either name is taken. */
export function hostBatch({ hostInterface, netns, ifname, mtuBytes, network }: PodLink): string {
  const peer = `peer name ${ifname} mtu ${mtuBytes} address ${network.mac} netns ${netns}`;
  return lines(
    `link add name ${hostInterface} mtu ${mtuBytes} type veth ${peer}`,
    `link set dev ${hostInterface} addrgenmode none up`,
  );
}

/** For the pod's namespace. IPv6 addresses skip duplicate detection: OVN lets nobody else use them. */
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
