// The facts of a Service: a load balancer for each protocol, which holds the virtual addresses of both families, on
// every node switch. OVN balances on switches and gateway routers, not on the distributed cluster router, so traffic is
// balanced where it enters: on the switch of the pod or of the node's management port.
//
// The exception is a Service with a node's own address among its endpoints. On that node's switch the endpoint is the
// management port instead: the node would not accept its own address as the source of a packet from outside.

import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import { parseIp } from "../model/ip.ts";
import { hairpinAddresses, managementOf, ofFamily, type ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { type Backend, backendsOf, formatBackend, isForeign } from "./endpoints.ts";
import { FactList, mapOf, type RefTo } from "./facts.ts";
import type { NodeIndex } from "./nodeIndex.ts";

const protocols = ["TCP", "UDP", "SCTP"] as const;
type Protocol = (typeof protocols)[number];

/** OVN keeps the time-out in 16 bits; Kubernetes allows a day. */
const longestAffinitySeconds = 65_535;

interface Vip {
  readonly address: Backend;
  readonly backends: readonly Backend[];
}

/** `slices` are the EndpointSlices that belong to the Service. Empty for a Service that has no virtual address. */
export function serviceFacts(
  scope: Scope,
  owner: Owner,
  service: Service,
  slices: readonly EndpointSlice[],
  index: NodeIndex,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  for (const protocol of protocols) {
    const vips = vipsOf(service, slices, protocol);
    if (vips.length > 0) planBalancers(facts, scope, service, protocol, vips, index);
  }
  return facts.facts;
}

/** A virtual address without endpoints stays: OVN rejects what is sent to it. */
function vipsOf(service: Service, slices: readonly EndpointSlice[], protocol: Protocol): readonly Vip[] {
  if (service.type === "ExternalName" || isForeign(service)) return [];
  const ips = service.clusterIps.flatMap((text) => parseIp(text) ?? []);
  const ports = service.ports.filter((port) => port.protocol === protocol);
  return ips.flatMap((ip) =>
    ports.map((port) => ({
      address: { ip, port: port.port },
      backends: backendsOf(service, slices, port, ip.family),
    })),
  );
}

function planBalancers(
  facts: FactList,
  { names }: Scope,
  service: Service,
  protocol: Protocol,
  vips: readonly Vip[],
  index: NodeIndex,
): void {
  const { namespace, name } = service;
  const balancer = (rowName: string, seen: readonly Vip[]): RefTo<"Load_Balancer"> =>
    facts.row("Load_Balancer", rowName, {
      name: rowName,
      protocol: protocol === "TCP" ? "tcp" : protocol === "UDP" ? "udp" : "sctp",
      vips: new Map(
        seen.map(({ address, backends }) => [formatBackend(address), backends.map(formatBackend).join()]),
      ),
      options: balancerOptions(service, protocol),
    });
  const hosts = new Set(vips.flatMap(({ backends }) => backends.flatMap(({ ip }) => index.hostOf(ip) ?? [])));
  const plainName = names.loadBalancer(namespace, name, protocol.toLowerCase());
  if (hosts.size === 0) {
    const group = facts.ref("Load_Balancer_Group", names.serviceGroup);
    facts.member("Load_Balancer_Group", group, "load_balancer", balancer(plainName, vips));
    return;
  }
  const others = index.nodes.filter((node) => !hosts.has(node));
  const onSwitch = (node: ResolvedNode, row: RefTo<"Load_Balancer">): void => {
    const nodeSwitch = facts.ref("Logical_Switch", names.nodeSwitch(node.name));
    facts.member("Logical_Switch", nodeSwitch, "load_balancer", row);
  };
  for (const node of hosts) {
    const ownName = names.nodeLoadBalancer(namespace, name, protocol.toLowerCase(), node.name);
    onSwitch(node, balancer(ownName, seenFrom(node, vips, index)));
  }
  if (others.length === 0) return;
  const plain = balancer(plainName, vips);
  for (const node of others) onSwitch(node, plain);
}

/** The node's own addresses become its management port's; twice the same endpoint becomes one. */
function seenFrom(node: ResolvedNode, vips: readonly Vip[], index: NodeIndex): readonly Vip[] {
  return vips.map(({ address, backends }) => {
    const seen = backends.map(({ ip, port }) => {
      const subnet = index.hostOf(ip) === node ? ofFamily(node.subnets, ip.family) : undefined;
      return { ip: subnet ? managementOf(subnet) : ip, port };
    });
    const distinct = new Map(seen.map((backend) => [formatBackend(backend), backend]));
    return { address, backends: [...distinct.values()] };
  });
}

function balancerOptions(service: Service, protocol: Protocol): ReadonlyMap<string, string> {
  const affinity = Math.min(service.affinitySeconds, longestAffinitySeconds);
  return mapOf({
    reject: "true",
    hairpin_snat_ip: hairpinAddresses.join(" "),
    affinity_timeout: affinity > 0 ? String(affinity) : undefined,
    // A UDP client that never changes its port would talk to a dead endpoint for ever. TCP connections to an endpoint
    // that leaves must be able to end by themselves.
    ct_flush: protocol === "UDP" ? "true" : undefined,
  });
}
