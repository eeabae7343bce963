// The node's own end of its switch: addresses and routes of the management interface as `ip -batch` reads them, and the
// kernel settings it needs. Everything is stated again and again with `replace`, since the interface is a new one each
// time Open vSwitch's userspace datapath restarts. The address and the route of a subnet that the node had before are taken
// away: the subnet may be another node's by now.
//
// The routes have the node's own address as their source, not the management address. A UDP server that lets the kernel
// choose the address it answers from then answers from the one it was asked on, which firewall.ts has made the node's
// own. Connections that the node opens get the management address there.
//
// A node that is its pods' gateway reaches its own pods through the router as well. Packets that come in by the router are not
// taken for the node's (plan/ownNode.ts), so policies see for whom it forwards. And the interface carries what the uplink does,
// because packets between the outside and a pod of this node are in no tunnel.

import * as v from "valibot";
import {
  type Cidr,
  type Family,
  formatCidr,
  formatIp,
  type InterfaceAddress,
  type Ip,
  parseCidr,
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
import type { Check } from "../nouns/check.ts";
import { inspectLink } from "./podLink.ts";
import type { Run } from "./run.ts";
import { type Sysctl, setSysctls } from "./sysctls.ts";

export interface ManagementNetwork {
  readonly mtuBytes: number;
  /** This node's subnets. */
  readonly subnets: readonly Cidr[];
  /** What is reached through OVN: pods and Services. */
  readonly destinations: readonly Cidr[];
  /** The node's own addresses that have one here to stand for them. */
  readonly addresses: readonly ManagementAddress[];
  /** On a node that is its pods' gateway: what a tunnel leaves of `mtuBytes`. */
  readonly tunnelBytes?: number;
}

/** Of `ip -json route`. */
interface RouteFields {
  readonly dst: string;
  readonly gateway?: string | undefined;
  readonly prefsrc?: string | undefined;
  readonly metrics?: readonly { readonly mtu?: number | undefined }[] | undefined;
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

interface Route {
  readonly destination: Cidr;
  readonly gateway: Ip | undefined;
  readonly source: Ip | undefined;
  /** Undefined where no other node may be at the end. */
  readonly mtuBytes: number | undefined;
}

const device = onNode.managementInterface;

const addressOf = (subnet: Cidr): string => formatCidr(within(subnet, managementOf(subnet)));

function routesOf(
  subnet: Cidr,
  { destinations, addresses, tunnelBytes }: ManagementNetwork,
): readonly Route[] {
  const { family } = subnet.ip;
  const source = addresses.find((address) => address.host.family === family)?.host;
  const hosts = hairpinAddresses
    .flatMap((text) => parseIp(text) ?? [])
    .map((ip) => ({ ip, bits: widthOf(ip.family) }))
    .concat(innerRange(family));
  const router = gatewayOf(subnet);
  return [
    {
      ...{ destination: subnet, source, mtuBytes: undefined },
      gateway: tunnelBytes === undefined ? undefined : router,
    },
    ...[...destinations, ...hosts]
      .filter((cidr) => cidr.ip.family === family)
      .map((destination) => ({ destination, gateway: router, source, mtuBytes: tunnelBytes })),
  ];
}

export function managementBatch(network: ManagementNetwork & Present): string {
  const { subnets, present, mtuBytes, tunnelBytes } = network;
  // Where even the subnet is behind the router, no route leads to the router.
  const onlink = tunnelBytes === undefined ? [] : ["onlink"];
  const own = new Set(subnets.map(addressOf));
  const strangers = present.filter((address) => !own.has(formatCidr(address)));
  const commands = [
    `link set ${device} mtu ${mtuBytes} up`,
    ...strangers.flatMap((address) => [
      `address delete ${formatCidr(address)} dev ${device}`,
      // To delete a route that is not there is an error.
      ...["replace", "delete"].map(
        (how) => `route ${how} ${formatCidr(networkAround(address))} dev ${device}`,
      ),
    ]),
    ...subnets.flatMap((subnet) => [
      `address replace ${addressOf(subnet)} dev ${device} noprefixroute${subnet.ip.family === 6 ? " nodad" : ""}`,
      ...routesOf(subnet, network).map((route) =>
        [
          `route replace ${formatCidr(route.destination)}`,
          ...(route.gateway ? [`via ${formatIp(route.gateway)}`] : []),
          `dev ${device}`,
          ...(route.gateway ? onlink : []),
          ...(route.source ? [`src ${formatIp(route.source)}`] : []),
          ...(route.mtuBytes === undefined ? [] : [`mtu ${route.mtuBytes}`]),
        ].join(" "),
      ),
    ]),
  ];
  return commands.map((command) => `${command}\n`).join("");
}

export async function configureManagement(run: Run, network: ManagementNetwork): Promise<readonly Check[]> {
  // A link too narrow for IPv6 has no settings of that family.
  await run(["ip", "link", "set", device, "mtu", String(network.mtuBytes)]);
  const sysctls = await setSysctls(
    settings.flatMap(([family, ...sysctl]): Sysctl[] => (ofFamily(network.subnets, family) ? [sysctl] : [])),
  );
  const present = (await inspectLink(run, device))?.addresses ?? [];
  await run(["ip", "-batch", "-"], { stdin: managementBatch({ ...network, present }) });
  return [{ reportedBy: "kernel", difference: () => differenceOf(run, network) }, sysctls];
}

const linkSchema = v.array(v.object({ flags: v.array(v.string()), mtu: v.number() }));
const routeSchema = v.array(
  v.object({
    ...{ dst: v.string(), gateway: v.optional(v.string()), prefsrc: v.optional(v.string()) },
    metrics: v.optional(v.array(v.object({ mtu: v.optional(v.number()) }))),
  }),
);

async function differenceOf(run: Run, network: ManagementNetwork): Promise<string | undefined> {
  const show = (...args: readonly string[]): Promise<string> => run(["ip", "-json", ...args, "dev", device]);
  const [link] = v.parse(linkSchema, JSON.parse(await show("link", "show")));
  if (!link?.flags.includes("UP")) return `${device} is down`;
  if (link.mtu !== network.mtuBytes) return `the MTU of ${device} is ${link.mtu}, not ${network.mtuBytes}`;
  const present = (await inspectLink(run, device))?.addresses ?? [];
  const has = new Set(present.map(formatCidr));
  const wanted = network.subnets.map(addressOf);
  const absent = wanted.find((address) => !has.has(address));
  if (absent !== undefined) return `${device} has lost its address ${absent}`;
  const stranger = [...has].find((address) => !wanted.includes(address));
  if (stranger !== undefined) return `${device} has the address ${stranger}, which is not its own`;
  for (const subnet of network.subnets) {
    const text = await show(`-${subnet.ip.family}`, "route", "show");
    const found = new Set(v.parse(routeSchema, JSON.parse(text || "[]")).map(routeText));
    const lost = routesOf(subnet, network).find(
      ({ destination, gateway, source, mtuBytes }) =>
        !found.has(
          routeText({
            dst: formatCidr(destination),
            gateway: gateway && formatIp(gateway),
            prefsrc: source && formatIp(source),
            metrics: mtuBytes === undefined ? [] : [{ mtu: mtuBytes }],
          }),
        ),
    );
    if (lost) return `the route to ${formatCidr(lost.destination)} through ${device} is missing or changed`;
  }
  return undefined;
}

/** As `ip` prints it, a destination that is a single address has no prefix length. */
function routeText({ dst, gateway, prefsrc, metrics }: RouteFields): string {
  const bits = dst.includes(":") ? 128 : 32;
  const destination = parseCidr(dst.includes("/") ? dst : `${dst}/${bits}`);
  const mtu = metrics?.find((metric) => metric.mtu !== undefined)?.mtu;
  return [destination ? formatCidr(destination) : dst, gateway, prefsrc, mtu].join(" ");
}
