// The facts of a pod: its port on its node's switch. The key is the pod's name, so a pod that is re-created under the
// same name replaces the columns of one row. Its UID and its addresses decide which interface may bind the port.

import type { Fact } from "../model/fact.ts";
import { formatIp } from "../model/ip.ts";
import type { PodNetwork, ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import { portVersionOf } from "../model/portVersion.ts";
import type { Scope } from "../model/scope.ts";
import { FactList, mapOf } from "./facts.ts";

/** What a plan needs to know of a pod. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  /** Stays the same for as long as the pod runs. */
  readonly uid: string;
}

export function podFacts(
  scope: Scope,
  owner: Owner,
  pod: PodIdentity,
  node: ResolvedNode,
  network: PodNetwork,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const name = scope.names.podPort(pod.namespace, pod.name);
  // Both columns have the same text: the port receives for these addresses and may send from no others.
  const addresses = [[network.mac, ...network.addresses.map(({ ip }) => formatIp(ip))].join(" ")];
  const port = facts.row("Logical_Switch_Port", name, {
    name,
    addresses,
    port_security: addresses,
    options: mapOf({ "iface-id-ver": portVersionOf(pod.uid, network), "requested-chassis": node.chassisId }),
    external_ids: mapOf({ namespace: pod.namespace, pod: "true" }),
  });
  const nodeSwitch = facts.ref("Logical_Switch", scope.names.nodeSwitch(node.name));
  facts.member("Logical_Switch", nodeSwitch, "ports", port);
  return facts.facts;
}
