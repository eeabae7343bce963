// The facts of a Service: one load balancer for each protocol, with the virtual addresses of both families, on every
// node switch. OVN balances on switches and gateway routers but not on the distributed cluster router, so traffic is
// balanced where it enters: on the switch of the pod or of the node's management port. One balancer serves all
// switches, even when an endpoint is in a node's own network (hosts.ts).
//
// What a traffic policy keeps on each node (`Local`) is in a balancer of that node, if it has endpoints: on its switch and, for
// node ports that must see the client's own address, on its gateway router.

import type { Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import { hairpinAddresses } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import { lowerCase, type Protocol } from "../model/protocol.ts";
import type { Scope } from "../model/scope.ts";
import { type Backend, formatBackend, type Vip } from "./endpoints.ts";
import { FactList, mapOf } from "./facts.ts";
import type { Hosts, HostView } from "./hosts.ts";

const protocols: readonly Protocol[] = ["TCP", "UDP", "SCTP"];

/** What a Service has to know of nodes. */
export type KnownHosts = Pick<Hosts, "node" | "targetOf">;

/** OVN keeps the time-out in 16 bits (18 hours); Kubernetes allows a day. */
const longestAffinitySeconds = 65_535;

/** `vips` are the Service's. Where the endpoints in a host's network are reached, `hosts` knows. */
export function serviceFacts(
  scope: Scope,
  owner: Owner,
  service: Service,
  vips: readonly Vip[],
  hosts: KnownHosts,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  for (const protocol of protocols) {
    const byNode = Map.groupBy(
      vips.filter((vip) => vip.protocol === protocol),
      ({ node }) => node,
    );
    for (const [node, there] of byNode) {
      const view = node === undefined ? undefined : hosts.node(node);
      if (node !== undefined && !view) continue;
      const backends = new Map(
        there.flatMap((vip) => {
          const to = backendsOf(vip, hosts);
          return entrancesOf(vip, view).map((address) => [formatBackend(address), to] as const);
        }),
      );
      planBalancer(facts, scope, service, protocol, backends, view);
    }
  }
  return facts.facts;
}

/** A port of the node itself is also balanced where packets for the node's shared addresses pass through OVN. */
function entrancesOf({ address, isWayIn }: Vip, node: HostView | undefined): readonly Backend[] {
  const own = isWayIn ? (node?.shared ?? []).filter(({ family }) => family === address.ip.family) : [];
  return [address, ...own.map((ip) => ({ ip, port: address.port }))];
}

/** Sorted, and each once. */
function backendsOf({ targets }: Vip, hosts: KnownHosts): string {
  const backends = new Map<string, Backend>();
  for (const { ip, port, nodeName } of targets) {
    const backend = { ip: hosts.targetOf(ip, nodeName), port };
    backends.set(formatBackend(backend), backend);
  }
  const sorted = [...backends].toSorted(([, a], [, b]) => byAddress(a, b));
  return sorted.map(([text]) => text).join();
}

function planBalancer(
  facts: FactList,
  { names }: Scope,
  service: Service,
  protocol: Protocol,
  vips: ReadonlyMap<string, string>,
  node: HostView | undefined,
): void {
  const name = names.loadBalancer(service.namespace, service.name, lowerCase[protocol], node?.name);
  const balancer = facts.row("Load_Balancer", name, {
    name,
    protocol: lowerCase[protocol],
    vips,
    options: balancerOptions(service, protocol),
  });
  if (!node) {
    const group = facts.ref("Load_Balancer_Group", names.serviceGroup);
    facts.member("Load_Balancer_Group", group, "load_balancer", balancer);
    return;
  }
  const nodeSwitch = facts.ref("Logical_Switch", names.nodeSwitch(node.name));
  facts.member("Logical_Switch", nodeSwitch, "load_balancer", balancer);
  if (service.externalTrafficPolicy === undefined || node.shared.length === 0) return;
  const gateway = facts.ref("Logical_Router", names.gatewayRouter(node.name));
  facts.member("Logical_Router", gateway, "load_balancer", balancer);
}

function balancerOptions(service: Service, protocol: Protocol): ReadonlyMap<string, string> {
  const affinity = Math.min(service.affinitySeconds, longestAffinitySeconds);
  return mapOf({
    reject: "true",
    hairpin_snat_ip: hairpinAddresses.join(" "),
    affinity_timeout: affinity > 0 ? String(affinity) : undefined,
    // A UDP client that never changes its port would talk to a dead endpoint for ever. TCP connections to a departing
    // endpoint must be able to end by themselves.
    ct_flush: protocol === "UDP" ? "true" : undefined,
  });
}

function byAddress(a: Backend, b: Backend): number {
  if (a.ip.value !== b.ip.value) return a.ip.value < b.ip.value ? -1 : 1;
  return a.port - b.port;
}
