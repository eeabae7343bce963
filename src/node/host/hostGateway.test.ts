import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../../model/ip.ts";
import { firewall } from "./firewall.ts";
import { type HostGateway, hostGatewayChains, keptSourceRules } from "./hostGateway.ts";

const cidrs = (...texts: readonly string[]) => texts.map((text) => parseCidr(text) ?? assert.fail(text));
const gateway: HostGateway = {
  subnets: cidrs("10.244.1.0/24", "fd00:10:244:1::/64"),
  pods: cidrs("10.244.0.0/16", "fd00:10:244::/48"),
  others: cidrs("10.96.0.0/16", "fd00:10:96::/112", "100.64.0.0/16", "169.254.0.6/31"),
  direct: [],
};

test("pods' own connections leave, translated; nothing leaves untranslated, and no tunnel's packets", () => {
  assert.deepEqual(hostGatewayChains("weft0", gateway), [
    "chain leave {",
    "  udp dport 6081 drop",
    "  ip daddr { 10.244.0.0/16, 10.96.0.0/16, 100.64.0.0/16, 169.254.0.6/31 } return",
    "  ip saddr { 10.244.1.0/24 } ct state { new, established, related } accept",
    "  ip6 daddr { fd00:10:244::/48, fd00:10:96::/112 } return",
    "  ip6 saddr { fd00:10:244:1::/64 } ct state { new, established, related } accept",
    "}",
    "chain translate {",
    "  type nat hook postrouting priority srcnat; policy accept;",
    '  oifname != "weft0" ip saddr { 10.244.1.0/24 } masquerade',
    '  oifname != "weft0" ip6 saddr { fd00:10:244:1::/64 } masquerade',
    "}",
    "chain untranslated {",
    "  type filter hook postrouting priority srcnat + 1; policy accept;",
    '  oifname != "weft0" ip saddr { 10.244.0.0/16 } drop',
    '  oifname != "weft0" ip6 saddr { fd00:10:244::/48 } drop',
    "}",
  ]);
});

test("to and from direct ranges both ends keep their addresses, and a range inside another one is named once", () => {
  const direct = cidrs("198.51.100.0/24", "198.51.100.128/25", "198.51.100.0/24");
  const chains = hostGatewayChains("weft0", { ...gateway, direct });
  for (const line of [
    "  ip saddr { 10.244.1.0/24 } ip daddr { 198.51.100.0/24 } accept",
    '  oifname != "weft0" ip saddr { 10.244.1.0/24 } ip daddr != { 198.51.100.0/24 } masquerade',
    '  oifname != "weft0" ip saddr { 10.244.0.0/16 } ip daddr != { 198.51.100.0/24 } drop',
    '  oifname != "weft0" ip6 saddr { fd00:10:244:1::/64 } masquerade',
  ])
    assert.ok(chains.includes(line), line);
  assert.deepEqual(
    keptSourceRules("weft0", { ...gateway, direct }).filter((line) => !line.includes("dnat")),
    ['oifname "weft0" ip saddr { 198.51.100.0/24 } ip daddr { 10.244.0.0/16 } accept'],
  );
});

test("who is led in to the node's own pods and endpoints keeps the address, unless it is a pod or the node itself", () => {
  assert.deepEqual(keptSourceRules("weft0", gateway), [
    'oifname "weft0" ct status dnat ip saddr != { 10.244.0.0/16 } ip daddr { 10.244.1.0/24, 169.254.0.7/32 } fib saddr type != local accept',
    'oifname "weft0" ct status dnat ip6 saddr != { fd00:10:244::/48 } ip6 daddr { fd00:10:244:1::/64, fd69::7/128 } fib saddr type != local accept',
  ]);
});

test("in the table each is where it counts: before what is dropped, and before what is translated", () => {
  const text = firewall("weft0", [], [], gateway);
  const order = [
    'priority srcnat; policy accept;\n    oifname "weft0" ct status dnat',
    'iifname "weft0" oifname != "weft0" jump leave\n    iifname "weft0" ct state != { established, related } drop',
    "  chain leave {\n    udp dport 6081 drop",
    "  chain untranslated {",
  ].map((part) => text.indexOf(part));
  assert.ok(!order.includes(-1), text);
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
});
