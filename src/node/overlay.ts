// Brings a node of an overlay onto the network, from top to bottom: chassis, subnet, management interface, way out, flows of
// the external bridge. Every step states what should be, so that all of them can be done again after anything: a
// restart of Open vSwitch, a new subnet, an agent that died half-way.

import {
  type AnnotationValues,
  chassisIdAnnotation,
  gatewayConfigAnnotation,
  hostCidrsAnnotation,
  refusedChassisOf,
} from "../kube/annotations.ts";
import { type Cidr, formatIp, type Ip, parseIp } from "../model/ip.ts";
import { macOf } from "../model/mac.ts";
import { podMtuBytes } from "../model/mtu.ts";
import { type Names, onNode } from "../model/names.ts";
import { hostAddressesOf, managementAddresses, managementOf } from "../model/network.ts";
import { innerRange } from "../model/wayIn.ts";
import type { Outside } from "./health/losses.ts";
import type { Progress } from "./health/readiness.ts";
import { bridgeCookie, bridgeFlows } from "./host/bridgeFlows.ts";
import { familyTrouble, kernelHasIpv6 } from "./host/families.ts";
import { firewall, firewallTable } from "./host/firewall.ts";
import { followFirewall } from "./host/followFirewall.ts";
import { enableForwarding } from "./host/forwarding.ts";
import { readHostNetwork } from "./host/gateway.ts";
import { configureManagement } from "./host/management.ts";
import { keepForwarding, writeFlows } from "./host/ownFlows.ts";
import { writeTable } from "./host/ownTable.ts";
import type { Run } from "./host/run.ts";
import { externalPorts, outputTo, portsOf, portText, uplinkKey, uplinkNumbers } from "./host/uplink.ts";
import { addressesOf, internalIpsOf } from "./nodeObject.ts";
import { type Keep, type NodePlan, type Place, waiting } from "./nodePlan.ts";
import type { PodMtu } from "./nouns/link.ts";
import {
  chassisCheck,
  isUserspace,
  leaveOvn,
  managementInterfaceCheck,
  prepareChassis,
  prepareManagementInterface,
  systemIdOf,
} from "./ovs/chassis.ts";
import { isOpen } from "./ovs/completion.ts";
import { bridgeNamed, interfaceNamed, type Vswitch } from "./ovs/vswitch.ts";
import type { Writer } from "./ovs/writer.ts";
import type { WayInPlace } from "./wayIn/portWriter.ts";
import { wayInTable } from "./wayIn/table.ts";

export interface OverlayOptions {
  readonly nodeName: string;
  /** The chassis' id, if Open vSwitch has none yet. */
  readonly chassisId: string;
  readonly names: Names;
  readonly ovnRemote: string;
  readonly encapIp: string | undefined;
  readonly clusterCidrs: readonly Cidr[];
  readonly serviceCidrs: readonly Cidr[];
  readonly joinCidrs: readonly Cidr[];
  readonly directCidrs: readonly Cidr[];
  readonly gateway: "shared" | "local";
  readonly ovsRunDirectory: string;
  readonly db: Vswitch;
  readonly writer: Writer;
  readonly run: Run;
  /** Announces in these annotations who this node is and how it reaches the outside, as soon as the API server takes them. */
  readonly announce: (values: AnnotationValues) => void;
  /** Takes where packets for Services come in. */
  readonly enterServices: (place: WayInPlace) => void;
  /** Takes how the node reaches the outside. */
  readonly outside: (outside: Outside) => void;
  /** Gives running pods this MTU. */
  readonly retune: (mtu: PodMtu) => Promise<void>;
  /** Takes what an operator should know about the node's network. */
  readonly remark: (remarks: readonly string[]) => void;
}

export const overlayPlan = (options: OverlayOptions): NodePlan => ({
  bringUp: (place, keep) => bringUp(options, place, keep),
  dependencies: () => dependencies(options.db),
  follow: (touched, signal) => followFirewall([firewallTable, wayInTable], touched, signal),
});

async function bringUp(options: OverlayOptions, { node, subnets }: Place, keep: Keep): Promise<Progress> {
  const { db, writer, run, names, nodeName } = options;
  const throughHost = options.gateway === "local";
  const ports = externalPorts(db, names.localnetPort(nodeName));
  const { uplink, patch } = ports;
  const socket = `unix:${options.ovsRunDirectory}/${onNode.externalBridge}.mgmt`;
  // Before anything else: through a bridge without flows this node gets neither an address nor to the API server.
  keep(await keepForwarding(run, { bridge: onNode.externalBridge, socket }));
  const internal = internalIpsOf(node);
  const { gateway, hosts, remarks } = await readHostNetwork(run, {
    ports,
    internal,
    former: node ? addressesOf(node) : encapIpsIn(db),
    clusterRanges: [...options.clusterCidrs, ...options.serviceCidrs, ...options.joinCidrs],
    throughHost,
  });
  options.remark(remarks);
  options.outside({ node, gateway, families: (subnets ?? []).map(({ ip }) => ip.family) });
  // Not before this point: the Node says which address is the node's, and tunnels end there.
  if (!node && !subnets) return waiting(`the API server has not reported node ${nodeName} yet`);
  const refused = node && refusedChassisOf(node);
  if (refused !== undefined && refused === systemIdOf(db)) {
    await leaveOvn(db, writer);
    return waiting(
      `another node has this one's system-id, ${refused}; kubectl describe node ${nodeName} says what to do`,
    );
  }
  const encapIp = options.encapIp ?? gateway.addresses.map(({ ip }) => formatIp(ip))[0] ?? "";
  const chassis = { ...options, cluster: names.cluster, encapIp };
  const chassisId = await prepareChassis(db, writer, chassis);
  keep(chassisCheck(db, chassis));
  if (!subnets) return waiting("the Weft controller has given this node no subnet yet");
  const mtuBytes = podMtuBytes(gateway.mtuBytes, parseIp(encapIp)?.family ?? 4);
  const mtu = { linkBytes: gateway.mtuBytes, routeBytes: mtuBytes };
  const means = { uplink: uplink.name, linkBytes: gateway.mtuBytes, podBytes: mtuBytes };
  const trouble = familyTrouble(subnets, { hasIpv6: kernelHasIpv6(), ...means });
  if (trouble !== undefined) return waiting(trouble);
  const portName = names.managementPort(nodeName);
  const carried = throughHost ? { mtuBytes: gateway.mtuBytes, tunnelBytes: mtuBytes } : { mtuBytes };
  const port = { portName, mac: managementMac(subnets), mtuBytes: carried.mtuBytes };
  await prepareManagementInterface(db, writer, port);
  keep(managementInterfaceCheck(db, port));
  const management = interfaceNamed(db, onNode.managementInterface);
  if (!isOpen(management)) return waiting(`Open vSwitch has not made ${onNode.managementInterface} yet`);
  const addresses = managementAddresses(subnets, hostAddressesOf(internal, gateway, hosts));
  keep(
    ...(await configureManagement(run, {
      ...carried,
      subnets,
      destinations: [...options.clusterCidrs, ...options.serviceCidrs],
      addresses,
    })),
  );
  const families = subnets.map(({ ip }) => ip.family);
  const led = [...options.serviceCidrs, ...families.map(innerRange), ...subnets];
  const rules = firewall(
    onNode.managementInterface,
    addresses,
    led,
    throughHost
      ? {
          ...{ subnets, pods: options.clusterCidrs, direct: options.directCidrs },
          others: [...options.serviceCidrs, ...options.joinCidrs, ...families.map(innerRange)],
        }
      : undefined,
  );
  keep(await writeTable(run, firewallTable, rules), await enableForwarding(families));
  const uplinks = uplinkNumbers(uplink);
  if (uplinks && isOpen(patch)) {
    const flows = bridgeFlows({
      mac: gateway.mac,
      uplinks,
      out: outputTo(uplink),
      patch: patch.ofport,
      pods: options.clusterCidrs,
      direct: options.directCidrs,
      throughHost,
    });
    keep(await writeFlows(run, { bridge: onNode.externalBridge, socket, cookie: bridgeCookie }, flows));
    // Pods do not wait for the API server either.
    await options.retune(mtu);
  }
  // Not before this point: once this is announced, Services send traffic for this node to its management port.
  options.announce({
    ...chassisIdAnnotation(chassisId),
    ...gatewayConfigAnnotation(gateway, { bridge: onNode.externalBridge, uplink: uplink.name }),
    ...hostCidrsAnnotation(hosts),
  });
  if (!uplinks) return waiting(`Open vSwitch has not opened ${uplink.name} yet`);
  if (!isOpen(patch)) return waiting(`ovn-controller has not joined ${onNode.externalBridge} to OVN yet`);
  options.enterServices({
    hosts: hostAddressesOf([], gateway, hosts),
    masquerade: undefined,
    subnets,
    loopback: onNode.managementInterface,
    bridge: {
      socket,
      mac: gateway.mac,
      uplinks,
      out: outputTo(uplink),
      patch: patch.ofport,
      shared: gateway.addresses.map(({ ip }) => ip),
      throughHost,
    },
  });

  if (management.external_ids.get("ovn-installed") !== "true") {
    return waiting(
      `ovn-controller has not installed port ${portName} yet; is it connected to ${options.ovnRemote}?`,
    );
  }
  return {
    ready: true,
    links: { mtu, ownChecksums: isUserspace(db) },
  };
}

function dependencies(db: Vswitch): string {
  const external = bridgeNamed(db, onNode.externalBridge);
  const management = interfaceNamed(db, onNode.managementInterface);
  return [
    systemIdOf(db),
    bridgeNamed(db, onNode.integrationBridge)?._uuid,
    external?._uuid,
    external?.external_ids.get(uplinkKey),
    ...[management?.ofport, management?.ifindex, management?.mac_in_use],
    management?.external_ids.get("ovn-installed"),
    ...portsOf(db, external).map(portText),
  ].join("\n");
}

/** What the tunnels have ended at until now: all that is known of the node's identity while the API server is away. */
function encapIpsIn(db: Vswitch): readonly Ip[] {
  const [root] = db.table("Open_vSwitch").values();
  return (root?.external_ids.get("ovn-encap-ip") ?? "").split(",").flatMap((text) => parseIp(text) ?? []);
}

/** The MAC of the management port is that of its first address, as the plan has it. */
function managementMac(subnets: readonly Cidr[]): string {
  const [first] = subnets;
  if (!first) throw new RangeError("a node needs a subnet");
  return macOf(managementOf(first));
}
