// The facts of a Service: one load balancer for each protocol, with the virtual addresses of both families, on every
// node switch. OVN balances on switches and gateway routers but not on the distributed cluster router, so traffic is
// balanced where it enters: on the switch of the pod or of the node's management port. One balancer serves all
// switches, even when an endpoint is in a node's own network (hosts.ts).
//
// What a traffic policy keeps on each node (`Local`) is in a balancer of that node, if it has endpoints: on its switch and, for
// node ports that must see the client's own address, on its gateway router. Addresses from outside are in the balancer of all
// switches and, with `Local`, in another one on the gateway router of each node with endpoints. Where endpoints are meant for the
// clients of a zone or a node, there is a balancer for each such place (near.ts).

import type { Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import { formatCidr, formatIp } from "../model/ip.ts";
import { serviceLimits } from "../model/limits.ts";
import { hairpinAddresses } from "../model/network.ts";
import { guardedIpsOf } from "../model/outerAddresses.ts";
import type { Owner } from "../model/owner.ts";
import { lowerCase, type Protocol } from "../model/protocol.ts";
import type { Scope } from "../model/scope.ts";
import { planAnnouncements } from "./announcement.ts";
import { type Backend, formatBackend, type Vip } from "./endpoints.ts";
import { FactList, mapOf } from "./facts.ts";
import type { Hosts, HostView } from "./hosts.ts";
import { distributionOf, nearBalancers } from "./near.ts";
import { aclPriority } from "./priorities.ts";

const protocols: readonly Protocol[] = ["TCP", "UDP", "SCTP"];

/** What a Service has to know of nodes. */
export interface KnownHosts extends Pick<Hosts, "node" | "nodes" | "zones" | "targetOf"> {
  /** There are switches that are no node's. */
  readonly hasMachines: boolean;
}

/** `vips` are the Service's. `hosts` knows where endpoints in a host's network are reached. */
export function serviceFacts(
  scope: Scope,
  owner: Owner,
  service: Service,
  vips: readonly Vip[],
  hosts: KnownHosts,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  for (const protocol of protocols) {
    const byPlace = Map.groupBy(
      vips.filter((vip) => vip.protocol === protocol),
      ({ node = "", isOutside }) => `${node} ${isOutside}`,
    );
    for (const there of byPlace.values()) {
      const [{ node, isOutside } = { node: undefined, isOutside: false }] = there;
      if (distributionOf(there) !== "same everywhere") {
        planNear(facts, scope, service, protocol, there, hosts);
        continue;
      }
      const view = node === undefined ? undefined : hosts.node(node);
      if (node !== undefined && !view) continue;
      if (isOutside && view?.shared.length === 0) continue;
      planBalancer(facts, scope, service, protocol, translations(there, view, hosts), view, isOutside);
    }
    planSourceRanges(facts, scope, service, protocol);
  }
  planAnnouncements(facts, scope, service, hosts);
  return facts.facts;
}

/** Where each virtual address leads, as OVN writes it. */
const translations = (
  vips: readonly Vip[],
  node: HostView | undefined,
  hosts: KnownHosts,
): ReadonlyMap<string, string> =>
  new Map(
    vips.flatMap((vip) => {
      const to = backendsOf(vip, hosts);
      return entrancesOf(vip, node).map((address) => [formatBackend(address), to] as const);
    }),
  );

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
  isOutside: boolean,
): void {
  const place = [service.namespace, service.name, lowerCase[protocol]] as const;
  const name =
    node && isOutside ? names.outerBalancer(...place, node.name) : names.loadBalancer(...place, node?.name);
  const balancer = facts.row("Load_Balancer", name, {
    name,
    protocol: lowerCase[protocol],
    vips,
    options: balancerOptions(service, protocol, isOutside),
  });
  if (!node) {
    const group = facts.ref("Load_Balancer_Group", names.serviceGroup);
    facts.member("Load_Balancer_Group", group, "load_balancer", balancer);
    return;
  }
  if (!isOutside) {
    const nodeSwitch = facts.ref("Logical_Switch", names.nodeSwitch(node.name));
    facts.member("Logical_Switch", nodeSwitch, "load_balancer", balancer);
  }
  if (service.externalTrafficPolicy === undefined || node.shared.length === 0) return;
  const gateway = facts.ref("Logical_Router", names.gatewayRouter(node.name));
  facts.member("Logical_Router", gateway, "load_balancer", balancer);
}

/** Balancers for the clients of each place, where they have endpoints of their own. */
function planNear(
  facts: FactList,
  { names }: Scope,
  service: Service,
  protocol: Protocol,
  vips: readonly Vip[],
  hosts: KnownHosts,
): void {
  const places =
    distributionOf(vips) === "by node"
      ? hosts.nodes().map((node) => ({ node }))
      : hosts.zones().map((zone) => ({ zone }));
  for (const { near, vips: there, places: at } of nearBalancers(vips, places)) {
    const hasMachines = near === undefined && hosts.hasMachines;
    if (at.length === 0 && !hasMachines) continue;
    const place = [service.namespace, service.name, lowerCase[protocol]] as const;
    const name = near ? names.nearBalancer(...place, near) : names.loadBalancer(...place);
    const balancer = facts.row("Load_Balancer", name, {
      name,
      protocol: lowerCase[protocol],
      vips: translations(there, undefined, hosts),
      options: balancerOptions(service, protocol),
    });
    const groups = at.flatMap((one) => ("node" in one ? [] : [names.zoneGroup(one.zone)]));
    for (const group of [...groups, ...(hasMachines ? [names.machineGroup] : [])])
      facts.member("Load_Balancer_Group", facts.ref("Load_Balancer_Group", group), "load_balancer", balancer);
    for (const one of at)
      if ("node" in one) {
        const nodeSwitch = facts.ref("Logical_Switch", names.nodeSwitch(one.node.name));
        facts.member("Logical_Switch", nodeSwitch, "load_balancer", balancer);
      }
  }
}

/**
 * Pods use the balancer on their own switch, so `loadBalancerSourceRanges` are enforced there for pods. For traffic
 * from outside, the agents enforce them (node/wayIn).
 */
function planSourceRanges(facts: FactList, { names }: Scope, service: Service, protocol: Protocol): void {
  const ports = service.ports.filter((port) => port.protocol === protocol).map(({ port }) => port);
  if (ports.length === 0) return;
  for (const ip of guardedIpsOf(service)) {
    const family = `ip${ip.family}`;
    const ranges = (service.balancer?.sourceRanges ?? []).filter((range) => range.ip.family === ip.family);
    // OVN takes no constant with an empty mask.
    if (ranges.some(({ bits }) => bits === 0)) continue;
    const from = [...new Set(ranges.map(formatCidr))].sort().join(", ");
    const to = [...new Set(ports)].sort((a, b) => a - b).join(", ");
    const match = `${family}.dst == ${formatIp(ip)} && ${lowerCase[protocol]}.dst == {${to}} && ${family}.src != {${from}}`;
    const key = [service.namespace, service.name, lowerCase[protocol], formatIp(ip)].join(" ");
    const acl = facts.row("ACL", key, {
      ...{ direction: "from-lport", priority: aclPriority.sourceRanges, match, action: "drop" },
    });
    facts.member("Port_Group", facts.ref("Port_Group", names.serviceEntries), "acls", acl);
  }
}

function balancerOptions(
  service: Service,
  protocol: Protocol,
  isOutside = false,
): ReadonlyMap<string, string> {
  const affinity = Math.min(service.affinitySeconds, serviceLimits.affinitySeconds);
  return mapOf({
    reject: "true",
    hairpin_snat_ip: hairpinAddresses.join(" "),
    affinity_timeout: affinity > 0 ? String(affinity) : undefined,
    // A UDP client that never changes its port would talk to a dead endpoint for ever. TCP connections to a departing
    // endpoint must be able to end by themselves.
    ct_flush: protocol === "UDP" ? "true" : undefined,
    // Of all nodes that have endpoints, one announces the address (announcement.ts).
    neighbor_responder: isOutside ? "none" : undefined,
  });
}

function byAddress(a: Backend, b: Backend): number {
  if (a.ip.value !== b.ip.value) return a.ip.value < b.ip.value ? -1 : 1;
  return a.port - b.port;
}
