// The facts of a pod: its port on its node's switch. The key is the pod's name, so a pod that is re-created under its
// name replaces the columns of one row; its UID only decides which interface may bind the port.

import type { Fact } from "../model/fact.ts";
import { formatCidr, formatIp } from "../model/ip.ts";
import type { PodNetwork, ResolvedNode } from "../model/network.ts";
import { FactList, mapOf } from "./facts.ts";
import type { Scope } from "./scope.ts";

/** What a plan needs of a pod; a Kubernetes Pod fits. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Whether two states of a node are the same to the plans of its pods. */
export const samePlaceOfPods = (a: ResolvedNode, b: ResolvedNode): boolean =>
  a.chassisId === b.chassisId && a.subnets.map(formatCidr).join() === b.subnets.map(formatCidr).join();

export function podFacts(
  scope: Scope,
  pod: PodIdentity,
  node: ResolvedNode,
  network: PodNetwork,
): readonly Fact[] {
  const facts = new FactList(scope, `pod/${pod.namespace}/${pod.name}`);
  const name = scope.names.podPort(pod.namespace, pod.name);
  // The same text for both: the port receives for these addresses and may send from no others.
  const addresses = [[network.mac, ...network.addresses.map(({ ip }) => formatIp(ip))].join(" ")];
  const port = facts.row("Logical_Switch_Port", name, {
    name,
    addresses,
    port_security: addresses,
    options: mapOf({ "iface-id-ver": pod.uid, "requested-chassis": node.chassisId }),
    external_ids: mapOf({ namespace: pod.namespace, pod: "true" }),
  });
  const nodeSwitch = facts.ref("Logical_Switch", scope.names.nodeSwitch(node.name));
  facts.member("Logical_Switch", nodeSwitch, "ports", port);
  return facts.facts;
}
