// The machines of a cloud: OVN's databases and ovn-northd on one host, hypervisors, and one bridge that joins all of
// them. In overlay mode there are no hypervisors: OVN runs on the nodes themselves, which are on the same bridge.

import { join } from "node:path";
import type { Family } from "../../src/model/ip.ts";
import { onNode } from "../../src/model/names.ts";
import {
  addressesIn,
  type Datapath,
  datapathTypes,
  type Host,
  macOfAddresses,
  plainAddress,
  remoteHost,
  type SwitchHost,
  subnetNumbered,
  switchHost,
} from "../host.ts";

/** The network of the machines themselves. Nodes (in overlay mode) and hypervisors have .11 and up. */
export const underlay = subnetNumbered(30);
export const firstNumber = 11;

export interface CentralHost extends Host {
  readonly directory: string;
  readonly northboundSocket: string;
  readonly southboundSocket: string;
  /** Where clients elsewhere on the underlay connect. */
  readonly northbound: string;
  readonly southbound: string;
}

export interface Cloud {
  /** The bridge that joins all machines, with its own stack, the gateway of the underlay. */
  readonly fabric: Host;
  readonly central: CentralHost;
  /** A machine that is not part of the cluster. */
  readonly outside: Host;
  readonly hypervisors: readonly SwitchHost[];
}

export interface CloudOptions {
  readonly netnsPrefix: string;
  readonly state: string;
  readonly families: readonly Family[];
  readonly datapath: Datapath;
  readonly hypervisors: number;
}

const northboundPort = 6641;
const southboundPort = 6642;

export function cloudOf(options: CloudOptions): Cloud {
  const { state, hypervisors, datapath } = options;
  const central = centralHost(underlayHost(options, "central", 2), state);
  return {
    fabric: { ...underlayHost(options, "fabric", 1), gateways: [] },
    central,
    outside: underlayHost(options, "outside", 100),
    hypervisors: Array.from({ length: hypervisors }, (_, index) => {
      const host = underlayHost(options, `h${index + 1}`, firstNumber + index);
      return switchHost(host, state, datapath, chassisIds(host, datapath, central));
    }),
  };
}

/** A host of the underlay by its number there. */
export function underlayHost(
  { netnsPrefix, families }: Pick<CloudOptions, "netnsPrefix" | "families">,
  name: string,
  number: number,
): Host {
  const addresses = addressesIn(underlay, families, number);
  return {
    name,
    netns: netnsPrefix + name,
    mac: macOfAddresses(addresses),
    addresses,
    gateways: addressesIn(underlay, families, 1).map(plainAddress),
  };
}

function centralHost(host: Host, state: string): CentralHost {
  const directory = join(state, host.name);
  return {
    ...host,
    directory,
    northboundSocket: join(directory, "ovnnb_db.sock"),
    southboundSocket: join(directory, "ovnsb_db.sock"),
    northbound: `tcp:${remoteHost(host)}:${northboundPort}`,
    southbound: `tcp:${remoteHost(host)}:${southboundPort}`,
  };
}

/** The datapath of br-int, which ovn-controller uses if it is the first to make it. */
export const bridgeDatapath = (datapath: Datapath): Readonly<Record<string, string>> => ({
  "ovn-bridge-datapath-type": datapathTypes[datapath],
});

/** What an operator sets on a hypervisor. */
const chassisIds = (
  host: Host,
  datapath: Datapath,
  central: CentralHost,
): Readonly<Record<string, string>> => ({
  ...bridgeDatapath(datapath),
  "system-id": host.name,
  hostname: host.name,
  "ovn-remote": central.southbound,
  // Longer than the longest recompute, during which ovn-controller does not answer.
  "ovn-remote-probe-interval": "180000",
  "ovn-encap-type": "geneve",
  "ovn-encap-ip": plainAddress(host.addresses[0] ?? ""),
  "ovn-bridge-mappings": `${onNode.physicalNetwork}:${onNode.externalBridge}`,
});
