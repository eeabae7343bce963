// One stack of a sandbox: a network namespace with an uplink. It is either a plain kernel stack, or it has its own Open
// vSwitch whose bridge br-ex holds the uplink and the host's address. Pure: from names and numbers to paths and
// addresses.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Family, parseIp } from "../src/model/ip.ts";
import { macOf } from "../src/model/mac.ts";

export interface Host {
  readonly name: string;
  readonly netns: string;
  readonly mac: string;
  /** One for each family, with prefix length, as `ip addr add` takes it. */
  readonly addresses: readonly string[];
  /** Where it sends packets for other networks, one for each family. */
  readonly gateways: readonly string[];
}

export type Datapath = "userspace" | "kernel";

export interface SwitchHost extends Host {
  readonly directory: string;
  readonly ovs: string;
  readonly ovn: string;
  readonly log: string;
  /** The socket of the vswitch database. */
  readonly ovsSocket: string;
  readonly datapath: Datapath;
  /** The initial content of `Open_vSwitch.external_ids`. */
  readonly externalIds: Readonly<Record<string, string>>;
  /** The VLAN of the host's own address; undefined is untagged. */
  readonly vlan: number | undefined;
}

export interface NodeHost extends SwitchHost {
  /** Where the runtime looks for network configurations and plugins, and where Weft's plugin finds the agent. */
  readonly cniConfigurations: string;
  /** Exists when the node can serve pods. */
  readonly cniConfiguration: string;
  readonly cniPrograms: string;
  readonly cniSocket: string;
  readonly kubeletSocket: string;
  readonly kubeconfig: string;
}

/** By their names in Open vSwitch's database (`Bridge.datapath_type`). */
export const datapathTypes: Readonly<Record<Datapath, string>> = { userspace: "netdev", kernel: "system" };

/** A network of hosts: `172.30.0.` and `fd00:172:30::` come before a host's number. */
export interface Subnet {
  readonly prefix: Readonly<Record<Family, string>>;
  readonly bits: Readonly<Record<Family, number>>;
}

/** Named by the number in its IPv4 network: 30 for 172.30.0.0/24 and fd00:172:30::/64. */
export const subnetNumbered = (number: number): Subnet => ({
  prefix: { 4: `172.${number}.0.`, 6: `fd00:172:${number}::` },
  bits: { 4: 24, 6: 64 },
});

/** The addresses of host `number`, with prefix lengths. Number 0 gives the networks themselves. */
export const addressesIn = (subnet: Subnet, families: readonly Family[], number: number): readonly string[] =>
  families.map((family) => {
    const host = family === 6 && number === 0 ? "" : String(number);
    return `${subnet.prefix[family]}${host}/${subnet.bits[family]}`;
  });

/** The address alone, without its prefix length. */
export const plainAddress = (address: string): string => address.replace(/\/\d+$/, "");

/** A host's first address as part of `tcp:HOST:PORT`, with IPv6 in brackets. */
export function remoteHost(host: Host): string {
  const address = plainAddress(host.addresses[0] ?? "");
  return address.includes(":") ? `[${address}]` : address;
}

/** A MAC derived from addresses, for wires on which nobody else has the same addresses. */
export function macOfAddresses(addresses: readonly string[]): string {
  const ip = parseIp(plainAddress(addresses[0] ?? ""));
  if (!ip) throw new Error(`sandbox: no address family chosen; give --ipv4, --ipv6 or both`);
  return macOf(ip);
}

/** A MAC derived from a name, for wires that are shared with others of the same address. */
export function macOfName(name: string): string {
  const digits = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return ["0a", "59", ...(digits.match(/../g) ?? [])].join(":");
}

/** `host` with an Open vSwitch that keeps everything below `state`. */
export function switchHost(
  host: Host,
  state: string,
  datapath: Datapath,
  externalIds: Readonly<Record<string, string>> = {},
  vlan?: number,
): SwitchHost {
  const directory = join(state, host.name);
  const ovs = join(directory, "ovs");
  return {
    ...host,
    directory,
    ovs,
    ovn: join(directory, "ovn"),
    log: join(directory, "log"),
    ovsSocket: join(ovs, "db.sock"),
    datapath,
    externalIds,
    vlan,
  };
}

export function nodeHost(host: SwitchHost): NodeHost {
  const { directory } = host;
  return {
    ...host,
    cniConfigurations: join(directory, "cni/net.d"),
    cniConfiguration: join(directory, "cni/net.d/10-weft.conflist"),
    cniPrograms: join(directory, "cni/bin"),
    cniSocket: join(directory, "cni/weft.sock"),
    kubeletSocket: join(directory, "kubelet.sock"),
    kubeconfig: join(directory, "kubeconfig"),
  };
}

export const isSwitch = (host: Host): host is SwitchHost => "ovs" in host;
