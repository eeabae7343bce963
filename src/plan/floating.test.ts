import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact } from "../model/fact.ts";
import { parseCidr, parseIp } from "../model/ip.ts";
import { northboundScope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import type { Tenant } from "../observe/tenant.ts";
import { floatingFacts } from "./floating.ts";
import type { HostView } from "./hosts.ts";
import { tenantFloatingFacts } from "./tenantFloating.ts";

const scope = northboundScope("demo", "global");
const floating = { namespace: "shop", name: "mail" };
const owner = "floatingaddress/shop/mail";
const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const cidr = (text: string) => parseCidr(text) ?? assert.fail(text);
const pairs = [
  { outer: ip("172.32.0.200"), inner: ip("10.200.0.3") },
  { outer: ip("2001:db8::200"), inner: ip("fd00:200::3") },
];

const there = { port: "pod-port", physicalNetworks: ["physnet"] };

/** Rows with the columns that differ from case to case, and members as `table.column += value`. */
const lines = (facts: readonly Fact[]): readonly string[] =>
  facts.map((fact) => {
    if (fact.kind === "member") return `${fact.table} ${fact.uuid} ${fact.column}`;
    const columns = [...fact.columns].flatMap(([name, value]) => {
      if (name === "external_ids" || name === "options") return [];
      return `${name}=${value instanceof Map ? [...value].join(" ") : JSON.stringify(value).replaceAll('"', "")}`;
    });
    return `${fact.table} ${columns.join(" ")}`;
  });

const aGateway = (port: string, network: string, isAnnounced = false) =>
  ({
    ...{ port, networks: [cidr(network)], switches: [`outside-${port}`] },
    ...{ physicalNetworks: ["physnet"], isAnnounced },
  }) as unknown as Tenant["gateways"][number];
const aTenant = (...gateways: Tenant["gateways"]): Tenant => ({
  router: "r",
  switches: ["vms"],
  routerPorts: [],
  networks: [],
  gateways,
});

test("in underlay mode the tenant's router translates, and the switch outside lets in what comes", () => {
  const facts = tenantFloatingFacts(
    scope,
    owner,
    floating,
    pairs,
    aTenant(aGateway("p", "172.32.0.0/24")),
    there,
  );
  const group = rowUuid("demo", "Load_Balancer_Group", "demo_floating");
  assert.deepEqual(lines(facts), [
    "NAT type=dnat_and_snat external_ip=172.32.0.200 logical_ip=10.200.0.3",
    "Logical_Router r nat",
    "ACL direction=from-lport priority=31002 match=ip4.dst == 172.32.0.200 action=allow",
    "Logical_Switch outside-p acls",
    "NAT type=dnat_and_snat external_ip=2001:db8::200 logical_ip=fd00:200::3",
    "Logical_Router r nat",
    "ACL direction=from-lport priority=31002 match=ip6.dst == 2001:db8::200 action=allow",
    "Logical_Switch outside-p acls",
    "Load_Balancer name=demo_floating_shop_mail vips=172.32.0.200,10.200.0.3 2001:db8::200,fd00:200::3",
    `Load_Balancer_Group ${group} load_balancer`,
  ]);
});

test("the pod's own hypervisor translates if it has the network outside, and OVN announces addresses there", () => {
  const macs = (isAnnounced: boolean, physicalNetworks: readonly string[], of = pairs): readonly string[] => {
    const tenant = aTenant(aGateway("p", "172.32.0.0/24", isAnnounced));
    const facts = tenantFloatingFacts(scope, owner, floating, of, tenant, {
      port: "pod-port",
      physicalNetworks,
    });
    return lines(facts).flatMap((line) => / (external_mac=.*)/.exec(line)?.[1] ?? []);
  };
  const there = "external_mac=0a:58:ac:20:00:c8 logical_port=pod-port";
  assert.deepEqual(macs(true, ["other", "physnet"]), [there, there]);
  assert.deepEqual(macs(false, ["physnet"]), []);
  assert.deepEqual(macs(true, ["other"]), []);
  assert.deepEqual(macs(true, ["physnet"], pairs.slice(1)), [], "OVN announces no IPv6 address");
});

test("of several gateways the one in whose network the address is translates it, otherwise the first", () => {
  const tenant = aTenant(aGateway("p", "192.0.2.0/24"), aGateway("q", "172.32.0.0/24"));
  const facts = tenantFloatingFacts(scope, owner, floating, pairs, tenant, there);
  assert.deepEqual(
    lines(facts).flatMap((line) => /gateway_port=(.*)/.exec(line)?.[1] ?? []),
    ["q", "p"],
  );
});

test("a router without a gateway translates nothing, and a node not what its gateway router has no family for", () => {
  assert.deepEqual(tenantFloatingFacts(scope, owner, floating, pairs, aTenant(), there), []);
  const node = { name: "n1", shared: [ip("fd00::1")] } as unknown as HostView;
  assert.deepEqual(
    lines(floatingFacts(scope, owner, floating, pairs, node)).filter((line) => line.startsWith("NAT")),
    ["NAT type=dnat_and_snat external_ip=2001:db8::200 logical_ip=fd00:200::3"],
  );
  assert.deepEqual(floatingFacts(scope, owner, floating, pairs, { ...node, shared: [] }), []);
});
