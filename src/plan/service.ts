// The facts of a Service: one load balancer for each protocol, with the virtual addresses of both families, on every
// node switch. OVN balances on switches and gateway routers but not on the distributed cluster router, so traffic is
// balanced where it enters: on the switch of the pod or of the node's management port. One balancer serves all
// switches, even when an endpoint is in a node's own network (hosts.ts).

import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import { parseIp } from "../model/ip.ts";
import { hairpinAddresses } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { type Backend, backendsOf, formatBackend, isForeign } from "./endpoints.ts";
import { FactList, mapOf } from "./facts.ts";
import type { Hosts } from "./hosts.ts";

const protocols = ["TCP", "UDP", "SCTP"] as const;
type Protocol = (typeof protocols)[number];

/** OVN keeps the time-out in 16 bits (18 hours); Kubernetes allows a day. */
const longestAffinitySeconds = 65_535;

interface Vip {
  readonly address: Backend;
  readonly backends: readonly Backend[];
}

/** `slices` are the Service's EndpointSlices. No facts for a Service without a virtual address. */
export function serviceFacts(
  scope: Scope,
  owner: Owner,
  service: Service,
  slices: readonly EndpointSlice[],
  hosts: Hosts,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  for (const protocol of protocols) {
    const vips = vipsOf(service, slices, protocol, hosts);
    if (vips.length > 0) planBalancer(facts, scope, service, protocol, vips);
  }
  return facts.facts;
}

/** A virtual address without endpoints stays, so that OVN rejects the packets sent to it. */
function vipsOf(
  service: Service,
  slices: readonly EndpointSlice[],
  protocol: Protocol,
  hosts: Hosts,
): readonly Vip[] {
  if (service.type === "ExternalName" || isForeign(service)) return [];
  const ips = service.clusterIps.flatMap((text) => parseIp(text) ?? []);
  const ports = service.ports.filter((port) => port.protocol === protocol);
  return ips.flatMap((ip) =>
    ports.map((port) => ({
      address: { ip, port: port.port },
      backends: backendsOf(service, slices, port, ip.family, hosts),
    })),
  );
}

function planBalancer(
  facts: FactList,
  { names }: Scope,
  service: Service,
  protocol: Protocol,
  vips: readonly Vip[],
): void {
  const name = names.loadBalancer(service.namespace, service.name, protocol.toLowerCase());
  const balancer = facts.row("Load_Balancer", name, {
    name,
    protocol: protocol === "TCP" ? "tcp" : protocol === "UDP" ? "udp" : "sctp",
    vips: new Map(
      vips.map(({ address, backends }) => [formatBackend(address), backends.map(formatBackend).join()]),
    ),
    options: balancerOptions(service, protocol),
  });
  const group = facts.ref("Load_Balancer_Group", names.serviceGroup);
  facts.member("Load_Balancer_Group", group, "load_balancer", balancer);
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
