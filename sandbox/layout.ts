// Where everything of a sandbox is: names of network namespaces, addresses of the underlay, paths of the run directory.
// Pure: settings in, layout out. So any process (the command line, a test, a second shell) that reads a sandbox's
// settings can find all of it.

import { join } from "node:path";
import type { Family } from "../src/model/ip.ts";
import { bridgeDatapath, type Cloud, cloudOf, firstNumber, underlayHost } from "./cloud/cloud.ts";
import { portOf, type Tenant, tenantOf } from "./cloud/tenant.ts";
import {
  type Datapath,
  type Host,
  isSwitch,
  type NodeHost,
  nodeHost,
  type SwitchHost,
  switchHost,
} from "./host.ts";

/** What a user chooses. Kept in `<state>/sandbox.json`. */
export interface Settings {
  readonly name: string;
  /** `overlay`: OVN runs on the nodes. `underlay`: the nodes are virtual machines of an OVN cloud. */
  readonly mode: "overlay" | "underlay";
  /** `assigned`: the controller gives each pod an address. `pooled`: nodes keep ready ports. */
  readonly addresses: "assigned" | "pooled";
  /** How pods reach the outside in overlay mode. */
  readonly gateway: "shared" | "local";
  readonly nodes: number;
  readonly families: readonly Family[];
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** The sandbox in whose cloud this one is a second tenant; undefined when it has a cloud of its own. */
  readonly cloud: string | undefined;
  /** The VLAN of the tenant's physical machines; undefined is untagged. */
  readonly vlan: number | undefined;
  /** What moves packets: ovs-vswitchd itself, or the kernel's module openvswitch, which many machines lack. */
  readonly datapath: Datapath;
  /** A folder whose OVN and Open vSwitch run instead of the machine's own. */
  readonly ovn: string | undefined;
  /**
   * `hosts` starts nothing, and the nodes have their addresses on eth0; `ovs` starts their Open vSwitch, `ovn` also OVN, and
   * the cloud. `all` also starts the Kubernetes API and Weft.
   */
  readonly parts: "hosts" | "ovs" | "ovn" | "all";
  /** The port on 127.0.0.1 where the relay to the Kubernetes API listens. */
  readonly apiPort: number;
}

/** A veth: the uplink of `host`, and a port of that name in another namespace. */
export interface Cable {
  readonly host: Host;
  readonly netns: string;
  readonly port: string;
  readonly mtuBytes: number;
}

export interface Layout extends Settings, Cloud {
  readonly state: string;
  /** Every namespace of this sandbox, the pods' included, begins with it; no other sandbox's does. */
  readonly netnsPrefix: string;
  readonly settingsFile: string;
  readonly processDirectory: string;
  readonly kubeconfig: string;
  readonly apiSocket: string;
  readonly nodeHosts: readonly NodeHost[];
  /** Only in underlay mode. */
  readonly tenant: Tenant | undefined;
  /** All except the fabric. Includes those of another sandbox's cloud. */
  readonly hosts: readonly Host[];
  /** The cables of this sandbox's own hosts. */
  readonly cables: readonly Cable[];
}

/** Without hyphens: `weft-a-…` would also begin the namespaces of a sandbox named `a-b`. */
export const namePattern = /^[a-z][a-z0-9]{0,11}$/;

/** Nodes are .11 and up, the outside host is .100. */
export const mostNodes = 64;

const hypervisors = 2;

/** The MTU of every link. Links between hypervisors have more: full frames and the tunnel's header. */
const mtuBytes = 1500;
const tunnelMtuBytes = 1600;

export const baseDirectory = (env: NodeJS.ProcessEnv): string =>
  env["WEFT_SANDBOX_DIR"] ?? "/run/weft-sandbox";

export const netnsPrefixOf = (name: string): string => `weft-${name}-`;

/** The layout of `settings` below the directory `base` (see `baseDirectory`). */
export function layoutOf(settings: Settings, base: string): Layout {
  const { name, families, nodes, vlan, datapath, parts } = settings;
  const state = join(base, name);
  const netnsPrefix = netnsPrefixOf(name);
  const isUnderlay = settings.mode === "underlay";
  const cloudName = settings.cloud ?? name;
  const cloud = cloudOf({
    netnsPrefix: netnsPrefixOf(cloudName),
    state: join(base, cloudName),
    families,
    datapath,
    hypervisors: isUnderlay ? hypervisors : 0,
  });
  const tenant = isUnderlay
    ? tenantOf({ name, netnsPrefix, state, families, nodes, vlan, datapath }, cloud.hypervisors)
    : undefined;
  const nodeHosts =
    tenant?.nodes ??
    Array.from({ length: nodes }, (_, index) => {
      const host = underlayHost({ netnsPrefix, families }, `n${index + 1}`, firstNumber + index);
      // Without an ovn-controller of the sandbox, nobody has told a node about OVN.
      const externalIds = parts === "hosts" || parts === "ovs" ? {} : bridgeDatapath(datapath);
      return nodeHost(switchHost(host, state, datapath, externalIds));
    });
  const hosts = [
    ...nodeHosts,
    ...(tenant ? [tenant.vm, tenant.machine] : []),
    ...cloud.hypervisors,
    cloud.central,
    cloud.outside,
  ];
  const cables = cablesOf(name, cloud, nodeHosts, tenant);
  return {
    ...settings,
    ...cloud,
    state,
    netnsPrefix,
    settingsFile: join(state, "sandbox.json"),
    processDirectory: join(state, "proc"),
    kubeconfig: join(state, "kubeconfig"),
    apiSocket: join(state, "api.sock"),
    nodeHosts,
    tenant,
    hosts,
    cables: cables.filter(({ host }) => host.netns.startsWith(netnsPrefix)),
  };
}

function cablesOf(
  name: string,
  { fabric, central, outside, hypervisors }: Cloud,
  nodes: readonly NodeHost[],
  tenant: Tenant | undefined,
): readonly Cable[] {
  const toFabric = (host: Host, port = host.name, bytes = mtuBytes): Cable => ({
    host,
    netns: fabric.netns,
    port,
    mtuBytes: bytes,
  });
  return [
    toFabric(central),
    toFabric(outside),
    ...hypervisors.map((host) => toFabric(host, host.name, tunnelMtuBytes)),
    ...(tenant
      ? [
          toFabric(tenant.machine, portOf(name, "pm")),
          ...tenant.vifs.map(({ host, hypervisor, port }) => ({
            host,
            netns: hypervisor.netns,
            port,
            mtuBytes,
          })),
        ]
      : nodes.map((node) => toFabric(node))),
  ];
}

/** Whether the host is this sandbox's own, and not part of another's cloud. */
export const isOwn = (layout: Layout, host: Host): boolean => host.netns.startsWith(layout.netnsPrefix);

/** This sandbox's own hosts with an Open vSwitch. */
export const switchesOf = (layout: Layout): readonly SwitchHost[] =>
  layout.parts === "hosts" ? [] : layout.hosts.filter(isSwitch).filter((host) => isOwn(layout, host));
