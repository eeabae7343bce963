// Brings a node of an underlay onto the network. The node is a virtual machine of a cloud that OVN networks, so
// little is left to do. Its administrator has made the external bridge, with the machine's port and address; the
// bridge forwards like any switch (NORMAL), and pods become access ports of it. OVN, its tunnels and its rules are in
// the hypervisor.

import { type AnnotationValues, gatewayConfigAnnotation } from "../kube/annotations.ts";
import type { Node } from "../kube/objects.ts";
import { onNode } from "../model/names.ts";
import { externalPorts, readGateway } from "./host/gateway.ts";
import type { Run } from "./host/run.ts";
import { type NodePlan, type Place, type Progress, waiting } from "./nodePlan.ts";
import { isUserspace } from "./ovs/chassis.ts";
import { isOpen } from "./ovs/completion.ts";
import { attachmentKeys, bridgeNamed, interfacesOf, type Vswitch } from "./ovs/vswitch.ts";

export interface UnderlayOptions {
  readonly nodeName: string;
  readonly db: Vswitch;
  readonly run: Run;
  /** Writes this node's MAC and addresses on the Node, by which the controller finds the node's port in the cloud. */
  readonly announce: (node: Node, values: AnnotationValues) => Promise<void>;
}

export const underlayPlan = (options: UnderlayOptions): NodePlan => ({
  bringUp: (place) => bringUp(options, place),
  dependencies: () => dependencies(options.db),
});

async function bringUp(
  { db, run, nodeName, announce }: UnderlayOptions,
  { node, subnets }: Place,
): Promise<Progress> {
  const bridge = onNode.externalBridge;
  const { uplink } = externalPorts(db);
  const gateway = await readGateway(run, uplink);
  if (bridgeNamed(db, bridge)?.fail_mode === "secure") {
    throw new Error(`${bridge} does not forward by itself: run ovs-vsctl set-fail-mode ${bridge} standalone`);
  }
  if (!node && !subnets) return waiting(`the API server has not reported node ${nodeName} yet`);
  if (node) await announce(node, gatewayConfigAnnotation(gateway, { bridge, uplink: uplink.name }));
  if (!isOpen(uplink)) return waiting(`Open vSwitch has not opened ${uplink.name} yet`);
  return { ready: true, links: { mtuBytes: gateway.mtuBytes, ownChecksums: isUserspace(db) } };
}

/** Leaves out the pods' ports, which come and go on the same bridge. */
function dependencies(db: Vswitch): string {
  const external = bridgeNamed(db, onNode.externalBridge);
  const interfaces = interfacesOf(db, external?.ports ?? [])
    .filter(({ external_ids: ids }) => !ids.has(attachmentKeys.container))
    .map(({ name, ofport, ifindex, mtu, mac_in_use: mac }) => [name, ofport, ifindex, mtu, mac].join(" "));
  return [external?._uuid, external?.fail_mode, ...interfaces].join("\n");
}
