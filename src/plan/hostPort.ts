// The facts of a pod that has ports of its node: a balancer for each protocol, on the node's switch and on its gateway
// router, so that the pod sees the client and its policies apply. Traffic that reaches the node another way goes
// through the kernel (node/wayIn) and needs no facts.

import type { Fact } from "../model/fact.ts";
import { type HostPort, isOpenAt } from "../model/hostPort.ts";
import type { InterfaceAddress } from "../model/ip.ts";
import { hairpinAddresses } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import { lowerCase } from "../model/protocol.ts";
import type { Scope } from "../model/scope.ts";
import { formatBackend } from "./endpoints.ts";
import { FactList, mapOf } from "./facts.ts";
import type { HostView } from "./hosts.ts";

/** `ports` are the pod's alone, and `addresses` its own. */
export function hostPortFacts(
  scope: Scope,
  owner: Owner,
  pod: { readonly namespace: string; readonly name: string },
  ports: readonly HostPort[],
  addresses: readonly InterfaceAddress[],
  node: HostView,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const { names } = scope;
  for (const [protocol, those] of Map.groupBy(ports, (port) => port.protocol)) {
    const vips = vipsOf(those, addresses, node);
    if (vips.size === 0) continue;
    const name = names.hostPorts(pod.namespace, pod.name, lowerCase[protocol]);
    const balancer = facts.row("Load_Balancer", name, {
      name,
      protocol: lowerCase[protocol],
      vips,
      options: mapOf({
        hairpin_snat_ip: hairpinAddresses.join(" "),
        ct_flush: protocol === "UDP" ? "true" : undefined,
      }),
    });
    const nodeSwitch = facts.ref("Logical_Switch", names.nodeSwitch(node.name));
    facts.member("Logical_Switch", nodeSwitch, "load_balancer", balancer);
    const gateway = facts.ref("Logical_Router", names.gatewayRouter(node.name));
    facts.member("Logical_Router", gateway, "load_balancer", balancer);
  }
  return facts.facts;
}

function vipsOf(
  ports: readonly HostPort[],
  addresses: readonly InterfaceAddress[],
  { shared }: HostView,
): ReadonlyMap<string, string> {
  const vips = new Map<string, string>();
  for (const port of ports)
    for (const at of shared.filter((ip) => isOpenAt(port, ip)))
      for (const { ip } of addresses.filter((own) => own.ip.family === at.family))
        vips.set(formatBackend({ ip: at, port: port.hostPort }), formatBackend({ ip, port: port.port }));
  return vips;
}
