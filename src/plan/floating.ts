// The facts of a floating address where nodes have gateway routers. From outside, the gateway router of the pod's node
// translates it to the pod's own address, and the pod's to it. It answers for the address too, since OVN's routers do for
// all that they translate. From inside, a balancer without ports leads to the pod at the client's own switch: a detour
// through the gateway would come back to a pod of the same node with that node's address, which is the node's.

import type { Fact } from "../model/fact.ts";
import { formatIp, type Ip } from "../model/ip.ts";
import { hairpinAddresses } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { FactList, mapOf } from "./facts.ts";
import type { HostView } from "./hosts.ts";

/** An address from outside, and the pod's own of the same family. */
export interface FloatingPair {
  readonly outer: Ip;
  readonly inner: Ip;
}

/** The name of the object. */
export interface Floating {
  readonly namespace: string;
  readonly name: string;
}

/** Where its pod is. */
export interface FloatingPod {
  readonly node: string;
  /** The name of its port. */
  readonly port: string;
}

/** `node`: the pod's. */
export function floatingFacts(
  scope: Scope,
  owner: Owner,
  floating: Floating,
  pairs: readonly FloatingPair[],
  node: HostView,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const { names } = scope;
  const led = pairs.filter(({ outer }) => node.shared.some(({ family }) => family === outer.family));
  if (led.length === 0) return [];
  const gateway = facts.ref("Logical_Router", names.gatewayRouter(node.name));
  for (const { outer, inner } of led) {
    const translation = facts.row("NAT", names.floating(floating.namespace, floating.name, outer.family), {
      type: "dnat_and_snat",
      external_ip: formatIp(outer),
      logical_ip: formatIp(inner),
    });
    facts.member("Logical_Router", gateway, "nat", translation);
  }
  planInside(facts, scope, floating, led, names.serviceGroup);
  return facts.facts;
}

/** From inside: a balancer without ports, which the switches in the group have. */
export function planInside(
  facts: FactList,
  { names }: Scope,
  { namespace, name: floating }: Floating,
  pairs: readonly FloatingPair[],
  groupName: string,
): void {
  const name = names.floatingBalancer(namespace, floating);
  const balancer = facts.row("Load_Balancer", name, {
    name,
    vips: new Map(pairs.map(({ outer, inner }) => [formatIp(outer), formatIp(inner)])),
    options: mapOf({ hairpin_snat_ip: hairpinAddresses.join(" ") }),
  });
  const group = facts.ref("Load_Balancer_Group", groupName);
  facts.member("Load_Balancer_Group", group, "load_balancer", balancer);
}
