// The node's own port on its switch: addresses and routes of the management interface, in the format of `ip -batch`,
// and the kernel settings it needs. Everything is set again with `replace` on each run, because the interface is a
// new one after each restart of Open vSwitch's userspace datapath. Addresses of a former subnet are removed: each
// brings a route with it, and that subnet may belong to another node by now.

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
import { gatewayOf, hairpinAddresses, managementOf, ofFamily, within } from "../../model/network.ts";
import { inspectLink } from "./podLink.ts";
import type { Run } from "./run.ts";

export interface ManagementNetwork {
  /** This node's subnets. */
  readonly subnets: readonly Cidr[];
  /** Networks reached through OVN: pods and Services. */
  readonly destinations: readonly Cidr[];
}

interface Present {
  /** The interface's addresses now, without link-local ones. */
  readonly present: readonly InterfaceAddress[];
}

/** Kernel settings of the interface by address family. A kernel may lack a family that the cluster does not use. */
const settings: readonly (readonly [family: Family, path: string, value: string])[] = [
  // Strict reverse path filtering would drop packets to another of the node's addresses.
  [4, `ipv4/conf/${onNode.managementInterface}/rp_filter`, "2"],
  [6, `ipv6/conf/${onNode.managementInterface}/disable_ipv6`, "0"],
  [6, `ipv6/conf/${onNode.managementInterface}/accept_ra`, "0"],
];

export function managementBatch({ subnets, destinations, present }: ManagementNetwork & Present): string {
  const device = onNode.managementInterface;
  const own = new Set(subnets.map((subnet) => formatCidr(within(subnet, managementOf(subnet)))));
  const strangers = present.map(formatCidr).filter((address) => !own.has(address));
  const commands = [
    ...strangers.map((address) => `address delete ${address} dev ${device}`),
    `link set ${device} up`,
    ...subnets.flatMap((subnet) => {
      const { family } = subnet.ip;
      const local = formatCidr(within(subnet, managementOf(subnet)));
      const via = `via ${formatIp(gatewayOf(subnet))} dev ${device}`;
      const hosts = hairpinAddresses
        .flatMap((text) => parseIp(text) ?? [])
        .map((ip) => ({ ip, bits: widthOf(ip.family) }));
      return [
        `address replace ${local} dev ${device}${family === 6 ? " nodad" : ""}`,
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
