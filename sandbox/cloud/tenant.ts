// What one tenant has in a cloud, as its operator sees it: a router, a network of virtual machines, and a network of
// physical machines that leaves the cloud by the hypervisors' own uplinks. Two tenants have equal addresses on purpose.

import type { Family } from "../../src/model/ip.ts";
import {
  addressesIn,
  type Datapath,
  type Host,
  macOfAddresses,
  macOfName,
  type NodeHost,
  nodeHost,
  plainAddress,
  type SwitchHost,
  subnetNumbered,
  switchHost,
} from "../host.ts";

export const vmNetwork = subnetNumbered(31);
export const machineNetwork = subnetNumbered(32);

/** The router is .1 in both networks, nodes are .11 and up, and the machine and the VM that are not nodes are .100. */
const routerNumber = 1;
const firstNodeNumber = 11;
const otherNumber = 100;

/** A virtual machine's network card: a port of its hypervisor, and its logical port. */
export interface Vif {
  readonly host: Host;
  readonly hypervisor: SwitchHost;
  /** The interface on the hypervisor. */
  readonly port: string;
  readonly logicalPort: string;
}

export interface Attachment {
  readonly routerPort: string;
  readonly switchPort: string;
  readonly mac: string;
  /** The router's addresses, with prefix lengths. */
  readonly addresses: readonly string[];
}

export interface Tenant {
  readonly router: string;
  readonly vms: Attachment & { readonly switch: string };
  readonly machines: Attachment & {
    readonly switch: string;
    readonly localnetPort: string;
    /** Undefined: untagged. */
    readonly vlan: number | undefined;
  };
  readonly nodes: readonly NodeHost[];
  /** A virtual machine without Open vSwitch. */
  readonly vm: Host;
  /** A physical machine. If its network is a VLAN it has an Open vSwitch for the tags, because many kernels lack VLANs. */
  readonly machine: Host;
  readonly vifs: readonly Vif[];
}

export interface TenantOptions {
  readonly name: string;
  readonly netnsPrefix: string;
  readonly state: string;
  readonly families: readonly Family[];
  readonly nodes: number;
  readonly datapath: Datapath;
  readonly vlan: number | undefined;
}

export function tenantOf(options: TenantOptions, hypervisors: readonly SwitchHost[]): Tenant {
  const { name, netnsPrefix, state, families, vlan, datapath } = options;
  const vmHost = (hostName: string, number: number): Host => {
    const addresses = addressesIn(vmNetwork, families, number);
    const gateways = addressesIn(vmNetwork, families, routerNumber).map(plainAddress);
    return {
      name: hostName,
      netns: netnsPrefix + hostName,
      mac: macOfAddresses(addresses),
      addresses,
      gateways,
    };
  };
  const machine: Host = {
    name: "machine",
    netns: `${netnsPrefix}machine`,
    // The sandbox's bridge knows no VLANs, so the machines of all tenants share one wire.
    mac: macOfName(`${name}-machine`),
    addresses: addressesIn(machineNetwork, families, otherNumber),
    gateways: addressesIn(machineNetwork, families, routerNumber).map(plainAddress),
  };
  const nodes = Array.from({ length: options.nodes }, (_, index) =>
    nodeHost(switchHost(vmHost(`n${index + 1}`, firstNodeNumber + index), state, datapath)),
  );
  const vm = vmHost("vm", otherNumber);
  return {
    router: `${name}-router`,
    vms: {
      switch: `${name}-vms`,
      ...attachment(
        `${name}-router-vms`,
        `${name}-vms-router`,
        addressesIn(vmNetwork, families, routerNumber),
      ),
    },
    machines: {
      switch: `${name}-machines`,
      ...attachment(
        `${name}-router-machines`,
        `${name}-machines-router`,
        addressesIn(machineNetwork, families, routerNumber),
      ),
      localnetPort: `${name}-machines-localnet`,
      vlan,
    },
    nodes,
    vm,
    machine: vlan === undefined ? machine : switchHost(machine, state, datapath, {}, vlan),
    vifs: [...nodes, vm].flatMap((host, index) => {
      const hypervisor = hypervisors[index % hypervisors.length];
      return hypervisor
        ? [{ host, hypervisor, port: portOf(name, host.name), logicalPort: `${name}-${host.name}` }]
        : [];
    }),
  };
}

const attachment = (routerPort: string, switchPort: string, addresses: readonly string[]): Attachment => ({
  routerPort,
  switchPort,
  mac: macOfName(routerPort),
  addresses,
});

/** At most 15 characters, Linux's limit, and unique to the sandbox: no host's name is the end of another's. */
export const portOf = (sandbox: string, host: string): string => `${sandbox}${host}`;
