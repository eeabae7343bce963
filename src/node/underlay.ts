// Brings a node of an underlay onto the network. The node is a virtual machine of an OVN cloud, so little is left to
// do. Its administrator has made the external bridge, with the machine's port and address; the bridge forwards like any
// switch (NORMAL), and pods become access ports of it. OVN, its tunnels and its rules are in the hypervisor.

import { type AnnotationValues, gatewayConfigAnnotation } from "../kube/annotations.ts";
import { onNode } from "../model/names.ts";
import { hostAddressesOf } from "../model/network.ts";
import type { Outside } from "./health/losses.ts";
import type { Progress } from "./health/readiness.ts";
import { familyTrouble, kernelHasIpv6 } from "./host/families.ts";
import { followFirewall } from "./host/followFirewall.ts";
import { enableForwarding } from "./host/forwarding.ts";
import { readHostNetwork } from "./host/gateway.ts";
import { keepForwarding } from "./host/ownFlows.ts";
import type { Run } from "./host/run.ts";
import { externalPorts, portsOf, portText, uplinkKey, uplinkNumbers } from "./host/uplink.ts";
import { addressesOf, internalIpsOf } from "./nodeObject.ts";
import { type Keep, type NodePlan, type Place, waiting } from "./nodePlan.ts";
import type { PodMtu } from "./nouns/link.ts";
import { isUserspace } from "./ovs/chassis.ts";
import { bridgeNamed, type Vswitch } from "./ovs/vswitch.ts";
import type { WayInPlace } from "./wayIn/portWriter.ts";
import { wayInTable } from "./wayIn/table.ts";

export interface UnderlayOptions {
  readonly nodeName: string;
  readonly ovsRunDirectory: string;
  readonly db: Vswitch;
  readonly run: Run;
  /**
   * Writes this node's MAC and addresses on the Node, as soon as the API server takes them. By these the controller finds the
   * node's port in the cloud.
   */
  readonly announce: (values: AnnotationValues) => void;
  /** Takes where packets for Services come in. */
  readonly enterServices: (place: WayInPlace) => void;
  /** Takes how the node reaches the outside. */
  readonly outside: (outside: Outside) => void;
  /** Gives running pods this MTU. */
  readonly retune: (mtu: PodMtu) => Promise<void>;
}

export const underlayPlan = (options: UnderlayOptions): NodePlan => ({
  bringUp: (place, keep) => bringUp(options, place, keep),
  dependencies: () => dependencies(options.db),
  follow: (touched, signal) => followFirewall([wayInTable], touched, signal),
});

async function bringUp(
  { db, run, nodeName, ovsRunDirectory, announce, enterServices, outside, retune }: UnderlayOptions,
  { node, subnets }: Place,
  keep: Keep,
): Promise<Progress> {
  const bridge = onNode.externalBridge;
  const ports = externalPorts(db);
  const { uplink } = ports;
  if (bridgeNamed(db, bridge)?.fail_mode === "secure") {
    throw new Error(`${bridge} does not forward by itself: run ovs-vsctl set-fail-mode ${bridge} standalone`);
  }
  // Before anything else: through a bridge without flows this node gets neither an address nor to the API server.
  const socket = `unix:${ovsRunDirectory}/${bridge}.mgmt`;
  keep(await keepForwarding(run, { bridge, socket }));
  const { gateway, hosts } = await readHostNetwork(run, {
    ports,
    internal: internalIpsOf(node),
    former: node ? addressesOf(node) : [],
    clusterRanges: [],
  });
  outside({ node, gateway, families: (subnets ?? []).map(({ ip }) => ip.family) });
  if (!node && !subnets) return waiting(`the API server has not reported node ${nodeName} yet`);
  const { mtuBytes } = gateway;
  const mtu = { linkBytes: mtuBytes, routeBytes: mtuBytes };
  const means = { uplink: uplink.name, linkBytes: mtuBytes, podBytes: mtuBytes };
  const trouble = familyTrouble(subnets ?? [], { hasIpv6: kernelHasIpv6(), ...means });
  const uplinks = uplinkNumbers(uplink);
  // Pods do not wait for the API server.
  if (uplinks && subnets && trouble === undefined) await retune(mtu);
  announce(gatewayConfigAnnotation(gateway, { bridge, uplink: uplink.name }));
  if (!uplinks) return waiting(`Open vSwitch has not opened ${uplink.name} yet`);
  if (trouble !== undefined) return waiting(trouble);
  keep(await enableForwarding(gateway.addresses.map(({ ip }) => ip.family)));
  const own = hostAddressesOf([], gateway, hosts);
  enterServices({
    ...{ hosts: own, subnets: subnets ?? [], masquerade: bridge },
    ...{ loopback: undefined, bridge: undefined },
  });
  return {
    ready: true,
    links: { mtu, ownChecksums: isUserspace(db) },
  };
}

function dependencies(db: Vswitch): string {
  const external = bridgeNamed(db, onNode.externalBridge);
  const chosen = external?.external_ids.get(uplinkKey);
  return [external?._uuid, external?.fail_mode, chosen, ...portsOf(db, external).map(portText)].join("\n");
}
