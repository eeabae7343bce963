// Which addresses the pods of a node can have at all, taken or not.

import { type Cidr, formatCidr, type Ip, sameIp, sizeOf } from "./ip.ts";
import { macOfFirst } from "./mac.ts";
import { firstPodOffset, gatewayOf, ofFamily, type PodNetwork, within } from "./network.ts";

/** Where addresses come from: a node's name and its subnets. */
export interface Site {
  readonly name: string;
  readonly subnets: readonly Cidr[];
}

/** The network of a pod of this node that has these addresses; undefined when none can have them. */
export function podNetworkOn(site: Site, ips: readonly Ip[]): PodNetwork | undefined {
  const placed = ips.flatMap((ip) => {
    const subnet = ofFamily(site.subnets, ip.family);
    return subnet && offsetIn(site, ip) !== undefined ? [{ subnet, ip }] : [];
  });
  if (placed.length === 0 || placed.length < ips.length) return undefined;
  const addresses = placed.map(({ subnet, ip }) => within(subnet, ip));
  return { addresses, mac: macOfFirst(addresses), gateways: placed.map(({ subnet }) => gatewayOf(subnet)) };
}

/** Why no pod of this node can have `network`, no matter who has it now; undefined when one can. */
export function doubtAbout(network: PodNetwork, site: Site): string | undefined {
  if (network.mac !== macOfFirst(network.addresses)) return "its MAC is not that of its first address";
  for (const address of network.addresses) {
    const subnet = ofFamily(site.subnets, address.ip.family);
    if (subnet?.bits !== address.bits || offsetIn(site, address.ip) === undefined)
      return `${formatCidr(address)} is no pod's address on node ${site.name}`;
  }
  const gateways = network.addresses
    .flatMap(({ ip }) => ofFamily(site.subnets, ip.family) ?? [])
    .map(gatewayOf);
  const isSame =
    gateways.length === network.gateways.length &&
    gateways.every((gateway, index) => sameIp(gateway, network.gateways[index]));
  return isSame ? undefined : "its gateways are not the node's";
}

/** How many pods fit: all addresses except those of the network, router and node and, in IPv4, broadcast. */
export function roomIn(subnet: Cidr): number {
  const last = subnet.ip.family === 4 ? 1n : 0n;
  const room = sizeOf(subnet) - BigInt(firstPodOffset) - last;
  return Number(room < 1_000_000n ? room : 1_000_000n);
}

/** The offset of `ip` if a pod may have it. */
export function offsetIn(site: Site, ip: Ip): number | undefined {
  const subnet = ofFamily(site.subnets, ip.family);
  if (!subnet) return undefined;
  const offset = ip.value - subnet.ip.value;
  return offset >= firstPodOffset && offset < firstPodOffset + roomIn(subnet) ? Number(offset) : undefined;
}
