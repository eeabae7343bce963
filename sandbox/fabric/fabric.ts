// The network of hosts: one Linux bridge in a namespace of its own, and a veth from each host to it or to its
// hypervisor. Nothing is made in the machine's own network namespace. On a host with Open vSwitch the address is on
// the bridge br-ex, which is here before ovs-vswitchd. With the userspace datapath, the kernel must not see what arrives
// on the uplink a second time.

import { onNode } from "../../src/model/names.ts";
import { type Datapath, type Host, isSwitch, type SwitchHost } from "../host.ts";
import { type Cable, isOwn, type Layout } from "../layout.ts";
import { run } from "../process/run.ts";
import { addNamespaces, inNetns } from "./netns.ts";

/** In the namespace of the fabric. */
export const bridge = "br0";
/** Every host has it. On a host with Open vSwitch it is a port of br-ex. */
export const uplink = "eth0";
/** The name that ovs-vswitchd gives the datapath of all its bridges (ovs-dpctl(8)). */
const kernelDatapath = "ovs-system";

export async function buildFabric(
  layout: Layout,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const { fabric, cables } = layout;
  const hosts = layout.hosts.filter((host) => isOwn(layout, host));
  const ownFabric = isOwn(layout, fabric);
  await addNamespaces(
    [...(ownFabric ? [fabric] : []), ...hosts].map((host) => host.netns),
    signal,
  );
  if (ownFabric) await batch(fabric.netns, fabricLines(fabric), signal);
  await Promise.all(
    [...Map.groupBy(cables, ({ netns }) => netns)].map(([netns, there]) =>
      batch(netns, there.flatMap(netns === fabric.netns ? fabricCable : cableLines), signal),
    ),
  );
  await Promise.all([
    // A kernel stack that feeds the userspace datapath through a veth must compute its checksums itself.
    ...(ownFabric && layout.datapath === "userspace" ? [checksums(fabric, bridge, signal)] : []),
    ...hosts.map((host) =>
      isSwitch(host) && layout.parts !== "hosts"
        ? configureSwitch(host, env, signal)
        : configurePlain(host, layout.datapath, signal),
    ),
  ]);
}

const fabricLines = (fabric: Host): string[] => [
  "link set lo up",
  `link add ${bridge} address ${fabric.mac} type bridge forward_delay 0 mcast_snooping 0`,
  `link set ${bridge} up`,
  ...fabric.addresses.map((address) => addAddress(address, bridge)),
];

const cableLines = ({ host, port, mtuBytes }: Cable): string[] => [
  `link add name ${port} mtu ${mtuBytes} type veth peer name ${uplink} address ${host.mac} mtu ${mtuBytes} netns ${host.netns}`,
  `link set ${port} addrgenmode none up`,
];

const fabricCable = (cable: Cable): string[] => [
  ...cableLines(cable),
  `link set ${cable.port} master ${bridge}`,
];

async function configurePlain(host: Host, datapath: Datapath, signal: AbortSignal): Promise<void> {
  await batch(host.netns, hostLines(host, uplink), signal);
  if (datapath === "userspace") await checksums(host, uplink, signal);
}

async function configureSwitch(
  host: SwitchHost,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  if (host.datapath === "userspace") await Promise.all([makeTap(host, signal), shieldKernel(host, signal)]);
  else await makeInternalPort(host, env, signal);
  await batch(host.netns, switchLines(host), signal);
}

const hostLines = (host: Host, device: string): string[] => [
  "link set lo up",
  `link set ${device} up`,
  ...host.addresses.map((address) => addAddress(address, device)),
  ...host.gateways.map((gateway) => `route add default via ${gateway} dev ${device}`),
];

const switchLines = (host: SwitchHost): string[] => [
  `link set ${uplink} addrgenmode none up`,
  `link set ${onNode.externalBridge} address ${host.mac}`,
  ...hostLines(host, onNode.externalBridge),
];

/**
 * Makes br-ex as a persistent tap, which ovs-vswitchd then adopts. So the host's addresses and routes survive the death
 * of ovs-vswitchd, as they do with the kernel datapath.
 */
const makeTap = (host: SwitchHost, signal: AbortSignal): Promise<void> =>
  batch(host.netns, [`tuntap add dev ${onNode.externalBridge} mode tap`], signal);

/** The kernel's datapath in the host's namespace, with br-ex in it. ovs-vswitchd adopts both by their names. */
async function makeInternalPort(
  { netns }: SwitchHost,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  for (const command of [
    ["add-dp", kernelDatapath],
    ["add-if", kernelDatapath, `${onNode.externalBridge},type=internal`],
  ])
    await run(inNetns(netns, ["ovs-dpctl", ...command]), { env, signal });
}

/**
 * The userspace datapath gets a copy of each packet, and the kernel keeps the other one; the kernel datapath would not.
 * So what arrives on the uplink is dropped, and no port answers ARP for the host's other addresses.
 */
async function shieldKernel(host: SwitchHost, signal: AbortSignal): Promise<void> {
  const ruleset = `table netdev sandbox {
    chain uplink {
      type filter hook ingress device ${uplink} priority 0; policy drop;
    }
  }`;
  await Promise.all([
    run(inNetns(host.netns, ["nft", "-f", "-"]), { input: ruleset, signal }),
    run(inNetns(host.netns, ["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"]), { signal }),
  ]);
}

async function checksums(host: Host, device: string, signal: AbortSignal): Promise<void> {
  await run(inNetns(host.netns, ["ethtool", "-K", device, "tx", "off"]), { signal });
}

async function batch(netns: string, lines: readonly string[], signal: AbortSignal): Promise<void> {
  await run(["ip", "-n", netns, "-batch", "-"], { input: `${lines.join("\n")}\n`, signal });
}

/** Without duplicate address detection, which would delay the address by a second. */
const addAddress = (address: string, device: string): string =>
  `addr add ${address} dev ${device}${address.includes(":") ? " nodad" : ""}`;
