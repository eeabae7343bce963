// The node's own end of its switch: addresses and routes of the management interface as `ip -batch` reads them, and the
// kernel settings it needs. Everything is stated again and again with `replace`, since the interface is a new one each
// time Open vSwitch's userspace datapath restarts. The address and the route of a subnet that the node had before are taken
// away: the subnet may be another node's by now.
//
// The routes have the node's own address as their source, not the management address. A UDP server that lets the kernel
// choose the address it answers from then answers from the one it was asked on, which firewall.ts has made the node's
// own. Connections that the node opens get the management address there.

import { writeFile } from "node:fs/promises";
import {
  type Cidr,
  type Family,
  formatCidr,
  formatIp,
  type InterfaceAddress,
  parseIp,
  widthOf,
} from "../../model/ip.ts";
import { onNode } from "../../model/names.ts";
import {
  gatewayOf,
  hairpinAddresses,
  type ManagementAddress,
  managementOf,
  networkAround,
  ofFamily,
  within,
} from "../../model/network.ts";
import { innerRange } from "../../model/wayIn.ts";
import { inspectLink } from "./podLink.ts";
import type { Run } from "./run.ts";

export interface ManagementNetwork {
  /** This node's subnets. */
  readonly subnets: readonly Cidr[];
  /** What is reached through OVN: pods and Services. */
  readonly destinations: readonly Cidr[];
  /** The node's own addresses that have one here to stand for them. */
  readonly addresses: readonly ManagementAddress[];
}

interface Present {
  /** What the interface has now, without link-local addresses. */
  readonly present: readonly InterfaceAddress[];
}

/** Kernel settings of the interface, by the family they belong to; a kernel may be without the other family. */
const settings: readonly (readonly [family: Family, path: string, value: string])[] = [
  // Strict reverse path filtering would drop packets for another of the node's addresses.
  [4, `ipv4/conf/${onNode.managementInterface}/rp_filter`, "2"],
  [6, `ipv6/conf/${onNode.managementInterface}/disable_ipv6`, "0"],
  [6, `ipv6/conf/${onNode.managementInterface}/accept_ra`, "0"],
];

export function managementBatch({
  subnets,
  destinations,
  addresses,
  present,
}: ManagementNetwork & Present): string {
  const device = onNode.managementInterface;
  const own = new Set(subnets.map((subnet) => formatCidr(within(subnet, managementOf(subnet)))));
  const strangers = present.filter((address) => !own.has(formatCidr(address)));
  const commands = [
    `link set ${device} up`,
    ...strangers.flatMap((address) => [
      `address delete ${formatCidr(address)} dev ${device}`,
      // To delete a route that is not there is an error.
      ...["replace", "delete"].map(
        (how) => `route ${how} ${formatCidr(networkAround(address))} dev ${device}`,
      ),
    ]),
    ...subnets.flatMap((subnet) => {
      const { family } = subnet.ip;
      const local = formatCidr(within(subnet, managementOf(subnet)));
      const host = addresses.find((address) => address.host.family === family)?.host;
      const from = `dev ${device}${host ? ` src ${formatIp(host)}` : ""}`;
      const via = `via ${formatIp(gatewayOf(subnet))} ${from}`;
      const hosts = hairpinAddresses
        .flatMap((text) => parseIp(text) ?? [])
        .map((ip) => ({ ip, bits: widthOf(ip.family) }))
        .concat(innerRange(family));
      return [
        `address replace ${local} dev ${device} noprefixroute${family === 6 ? " nodad" : ""}`,
        `route replace ${formatCidr(subnet)} ${from}`,
        ...[...destinations, ...hosts]
          .filter((cidr) => cidr.ip.family === family)
          .map((cidr) => `route replace ${formatCidr(cidr)} ${via}`),
      ];
    }),
  ];
  return commands.map((command) => `${command}\n`).join("");
}

export async function configureManagement(run: Run, network: ManagementNetwork): Promise<void> {
  for (const [family, path, value] of settings) {
    if (ofFamily(network.subnets, family)) await writeFile(`/proc/sys/net/${path}`, value);
  }
  const present = (await inspectLink(run, onNode.managementInterface))?.addresses ?? [];
  await run(["ip", "-batch", "-"], { stdin: managementBatch({ ...network, present }) });
}
