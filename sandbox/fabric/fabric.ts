// The underlay: one Linux bridge in a namespace of its own, and a veth to each host. Nothing is made in the machine's
// own network namespace. Open vSwitch runs its userspace datapath here, so a node differs from a plain host: its
// address is on the bridge br-ex, and the kernel must not see what arrives on the uplink a second time.

import { onNode } from "../../src/model/names.ts";
import { type Host, type Layout, type NodeHost, plainAddress } from "../layout.ts";
import { run } from "../process/run.ts";
import { addNamespaces, inNetns } from "./netns.ts";

const bridge = "br0";
/** Of every host; on a node a port of br-ex. */
export const uplink = "eth0";

export async function buildFabric(layout: Layout, signal: AbortSignal): Promise<void> {
  const plainHosts = [layout.central, layout.outside];
  const hosts = [...plainHosts, ...layout.nodeHosts];
  await addNamespaces(
    [layout.fabric, ...hosts].map((host) => host.netns),
    signal,
  );
  await batch(layout.fabric, fabricLines(layout.fabric, hosts), signal);
  await Promise.all([
    // A kernel stack that feeds Open vSwitch through a veth must compute its checksums itself.
    checksums(layout.fabric, bridge, signal),
    ...plainHosts.map(async (host) => {
      await batch(host, hostLines(host, uplink, layout.fabric), signal);
      await checksums(host, uplink, signal);
    }),
    ...layout.nodeHosts.map(async (node) => {
      await Promise.all([batch(node, nodeLines(node, layout.fabric), signal), shieldKernel(node, signal)]);
    }),
  ]);
}

function fabricLines(fabric: Host, hosts: readonly Host[]): string[] {
  return [
    "link set lo up",
    `link add ${bridge} address ${fabric.mac} type bridge forward_delay 0 mcast_snooping 0`,
    `link set ${bridge} up`,
    ...fabric.addresses.map((address) => addAddress(address, bridge)),
    ...hosts.flatMap((host) => [
      `link add name ${host.name} type veth peer name ${uplink} address ${host.mac} netns ${host.netns}`,
      `link set ${host.name} master ${bridge} addrgenmode none up`,
    ]),
  ];
}

function hostLines(host: Host, device: string, gateway: Host): string[] {
  return [
    "link set lo up",
    `link set ${device} up`,
    ...host.addresses.map((address) => addAddress(address, device)),
    ...gateway.addresses.map((address) => `route add default via ${plainAddress(address)} dev ${device}`),
  ];
}

/**
 * br-ex is made here as a persistent tap, which ovs-vswitchd then adopts: the node's addresses and routes stay when
 * ovs-vswitchd dies, as they do with the kernel datapath.
 */
function nodeLines(node: NodeHost, gateway: Host): string[] {
  return [
    `link set ${uplink} addrgenmode none up`,
    `tuntap add dev ${onNode.externalBridge} mode tap`,
    `link set ${onNode.externalBridge} address ${node.mac}`,
    ...hostLines(node, onNode.externalBridge, gateway),
  ];
}

/**
 * The userspace datapath gets a copy of each packet while the kernel keeps the other. With the kernel datapath it
 * would not: so what arrives on the uplink is dropped, and no port answers ARP for the node's other addresses.
 */
async function shieldKernel(node: NodeHost, signal: AbortSignal): Promise<void> {
  const ruleset = `table netdev sandbox {
    chain uplink {
      type filter hook ingress device ${uplink} priority 0; policy drop;
    }
  }`;
  await Promise.all([
    run(inNetns(node.netns, ["nft", "-f", "-"]), { input: ruleset, signal }),
    run(inNetns(node.netns, ["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"]), { signal }),
  ]);
}

async function checksums(host: Host, device: string, signal: AbortSignal): Promise<void> {
  await run(inNetns(host.netns, ["ethtool", "-K", device, "tx", "off"]), { signal });
}

async function batch(host: Host, lines: readonly string[], signal: AbortSignal): Promise<void> {
  await run(["ip", "-n", host.netns, "-batch", "-"], { input: `${lines.join("\n")}\n`, signal });
}

/** No duplicate address detection: it would hold an address back for a second. */
const addAddress = (address: string, device: string): string =>
  `addr add ${address} dev ${device}${address.includes(":") ? " nodad" : ""}`;
