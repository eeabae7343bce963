// The facts of a floating address in underlay mode: a translation on the tenant's own router, at the port by which packets leave
// the cloud. OVN does it on the hypervisor of the pod, if that has the network outside, and if OVN announces the address there:
// otherwise the network would go on sending to where the pod was before. Inside, the balancers of all switches lead to the pod, except on the switches outside: what they translated would
// come back translated by the router as well. But an address of a pool is kept inside there (serviceRange.ts), so what comes for
// this one is let in.

import type { Fact } from "../model/fact.ts";
import { contains, formatIp, type Ip } from "../model/ip.ts";
import { macOf } from "../model/mac.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { Tenant, TenantGateway } from "../observe/tenant.ts";
import { FactList, mapOf } from "./facts.ts";
import { type Floating, type FloatingPair, type FloatingPod, planInside } from "./floating.ts";
import { aclPriority } from "./priorities.ts";

export interface NestedPod extends Pick<FloatingPod, "port"> {
  /** Those of its hypervisor. */
  readonly physicalNetworks: readonly string[];
}

export function tenantFloatingFacts(
  scope: Scope,
  owner: Owner,
  floating: Floating,
  pairs: readonly FloatingPair[],
  tenant: Tenant,
  { port, physicalNetworks }: NestedPod,
): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const led = pairs.flatMap((pair) => {
    const gateway = gatewayFor(tenant, pair.outer);
    return gateway ? [{ ...pair, gateway }] : [];
  });
  if (led.length === 0) return [];
  // OVN announces no IPv6 addresses. With one MAC, what it says of the IPv4 address holds for both.
  const mac = led.find(({ outer }) => outer.family === 4);
  for (const { outer, inner, gateway } of led) {
    const isThere = gateway.physicalNetworks.some((name) => physicalNetworks.includes(name));
    const where =
      mac && gateway.isAnnounced && isThere ? { external_mac: macOf(mac.outer), logical_port: port } : {};
    const key = scope.names.floating(floating.namespace, floating.name, outer.family);
    const translation = facts.row("NAT", key, {
      type: "dnat_and_snat",
      external_ip: formatIp(outer),
      logical_ip: formatIp(inner),
      ...where,
      // With one gateway OVN knows it.
      gateway_port: tenant.gateways.length > 1 ? gateway.port : undefined,
    });
    facts.member("Logical_Router", tenant.router, "nat", translation);
    for (const outside of gateway.switches) {
      const acl = facts.row("ACL", `${key} ${outside}`, {
        direction: "from-lport",
        priority: aclPriority.floating,
        match: `ip${outer.family}.dst == ${formatIp(outer)}`,
        action: "allow",
        options: mapOf({ "apply-after-lb": "true" }),
      });
      facts.member("Logical_Switch", outside, "acls", acl);
    }
  }
  planInside(facts, scope, floating, led, scope.names.floatingGroup);
  return facts.facts;
}

/** The one in whose network the address is, or the first: a router outside may have a route to it. */
const gatewayFor = ({ gateways }: Tenant, ip: Ip): TenantGateway | undefined =>
  gateways.find(({ networks }) => networks.some((network) => contains(network, ip))) ?? gateways[0];
