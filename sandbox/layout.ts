// Where everything of a sandbox is: names of network namespaces, addresses of the underlay, paths of the run
// directory. Pure: settings in, layout out; so any process (the command line, a test, a second shell) that reads the
// settings of a sandbox finds all of it.

import { join } from "node:path";
import { type Family, parseIp } from "../src/model/ip.ts";
import { macOf } from "../src/model/mac.ts";

/** What a user chooses; kept in `<state>/sandbox.json`. */
export interface Settings {
  readonly name: string;
  readonly nodes: number;
  readonly families: readonly Family[];
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** A folder with a Debian root file system whose OVN and Open vSwitch run instead of the machine's. */
  readonly ovn: string | undefined;
  /** `ovn` starts OVN alone; `all` the Kubernetes API and Weft as well. */
  readonly parts: "ovn" | "all";
  /** The port on 127.0.0.1 where the relay to the Kubernetes API listens. */
  readonly apiPort: number;
}

/** One stack on the underlay: a network namespace with an address per family. */
export interface Host {
  readonly name: string;
  readonly netns: string;
  readonly mac: string;
  readonly addresses: readonly string[];
}

export interface NodeHost extends Host {
  readonly directory: string;
  readonly ovs: string;
  readonly ovn: string;
  /** Where the runtime looks for network configurations and for plugins, and where Weft's plugin finds the agent. */
  readonly cniConfigurations: string;
  /** There when the node can serve pods. */
  readonly cniConfiguration: string;
  readonly cniPrograms: string;
  readonly cniSocket: string;
  readonly kubeletSocket: string;
  readonly log: string;
  /** Of the vswitch database. */
  readonly ovsSocket: string;
  readonly kubeconfig: string;
}

export interface CentralHost extends Host {
  readonly directory: string;
  readonly northboundSocket: string;
  readonly southboundSocket: string;
  /** What clients elsewhere on the underlay connect to. */
  readonly northbound: string;
  readonly southbound: string;
}

export interface Layout extends Settings {
  readonly state: string;
  /** Every namespace of this sandbox, the pods' too, begins with it; no other sandbox's does. */
  readonly netnsPrefix: string;
  readonly settingsFile: string;
  readonly processDirectory: string;
  /** Wrappers of the programs in the folder `ovn`; first in the PATH of every process. */
  readonly programs: string;
  readonly kubeconfig: string;
  readonly apiSocket: string;
  /** The bridge that joins all, and its own stack, the gateway of the underlay. */
  readonly fabric: Host;
  readonly central: CentralHost;
  readonly outside: Host;
  readonly nodeHosts: readonly NodeHost[];
}

/** No hyphen: `weft-a-…` would also begin the namespaces of a sandbox named `a-b`. */
export const namePattern = /^[a-z][a-z0-9]{0,11}$/;

/** Nodes are .11 and up, the outside host is .100. */
export const mostNodes = 64;

const northboundPort = 6641;
const southboundPort = 6642;

export const baseDirectory = (env: NodeJS.ProcessEnv): string =>
  env["WEFT_SANDBOX_DIR"] ?? "/run/weft-sandbox";

/** The layout of `settings` below the directory `base` (see `baseDirectory`). */
export function layoutOf(settings: Settings, base: string): Layout {
  const state = join(base, settings.name);
  const netnsPrefix = `weft-${settings.name}-`;
  const host = (name: string, number: number): Host => {
    const addresses = settings.families.map((family) => underlayAddress(family, number));
    return { name, netns: netnsPrefix + name, addresses, mac: macOfAddress(addresses[0] ?? "") };
  };
  const central = host("central", 2);
  const centralDirectory = join(state, "central");
  return {
    ...settings,
    state,
    netnsPrefix,
    settingsFile: join(state, "sandbox.json"),
    processDirectory: join(state, "proc"),
    programs: join(state, "programs"),
    kubeconfig: join(state, "kubeconfig"),
    apiSocket: join(state, "api.sock"),
    fabric: host("fabric", 1),
    central: {
      ...central,
      directory: centralDirectory,
      northboundSocket: join(centralDirectory, "ovnnb_db.sock"),
      southboundSocket: join(centralDirectory, "ovnsb_db.sock"),
      northbound: `tcp:${remoteHost(central)}:${northboundPort}`,
      southbound: `tcp:${remoteHost(central)}:${southboundPort}`,
    },
    outside: host("outside", 100),
    nodeHosts: Array.from({ length: settings.nodes }, (_, index) =>
      nodeHost(host(`n${index + 1}`, 11 + index), state),
    ),
  };
}

function nodeHost(host: Host, state: string): NodeHost {
  const directory = join(state, host.name);
  const ovs = join(directory, "ovs");
  return {
    ...host,
    directory,
    ovs,
    ovn: join(directory, "ovn"),
    cniConfigurations: join(directory, "cni/net.d"),
    cniConfiguration: join(directory, "cni/net.d/10-weft.conflist"),
    cniPrograms: join(directory, "cni/bin"),
    cniSocket: join(directory, "cni/weft.sock"),
    kubeletSocket: join(directory, "kubelet.sock"),
    log: join(directory, "log"),
    ovsSocket: join(ovs, "db.sock"),
    kubeconfig: join(directory, "kubeconfig"),
  };
}

/** The address of a host with its prefix length, as `ip addr add` takes it. */
const underlayAddress = (family: Family, number: number): string =>
  family === 4 ? `172.30.0.${number}/24` : `fd00:172:30::${number}/64`;

/** The address alone, without its prefix length. */
export const plainAddress = (address: string): string => address.replace(/\/\d+$/, "");

/** The first address of a host as a part of `tcp:HOST:PORT`: IPv6 in brackets. */
export function remoteHost(host: Host): string {
  const address = plainAddress(host.addresses[0] ?? "");
  return address.includes(":") ? `[${address}]` : address;
}

function macOfAddress(address: string): string {
  const ip = parseIp(plainAddress(address));
  if (!ip) throw new Error(`sandbox: no address family chosen; give --ipv4, --ipv6 or both`);
  return macOf(ip);
}
