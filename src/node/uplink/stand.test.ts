import assert from "node:assert/strict";
import { test } from "node:test";
import { configurationText, managers } from "./advice.ts";
import { gatewaysOf } from "./reach.ts";
import { moveBatch, type Stand, type StandAddress, type StandRoute } from "./stand.ts";

const address = (local: string, prefixlen: number, more: Partial<StandAddress> = {}): StandAddress => ({
  family: local.includes(":") ? "inet6" : "inet",
  local,
  prefixlen,
  scope: "global",
  dynamic: false,
  temporary: false,
  noprefixroute: false,
  ...more,
});
const route = (dst: string, more: Partial<StandRoute> = {}): StandRoute => ({
  family: "-4",
  dst,
  type: "unicast",
  table: "254",
  dev: "bond0",
  flags: [],
  metrics: [],
  nexthops: [],
  ...more,
});

const stand: Stand = {
  device: "bond0",
  mac: "52:54:00:00:00:01",
  mtu: 9000,
  addresses: [
    address("10.0.0.11", 24, { broadcast: "10.0.0.255", label: "bond0", noprefixroute: true }),
    address("10.0.0.20", 32, { label: "bond0:1" }),
    address("fd00::11", 64),
  ],
  routes: [
    route("default", { gateway: "10.0.0.1", metric: 100, protocol: "4" }),
    route("10.0.0.0/24", { scope: "253", protocol: "4", prefsrc: "10.0.0.11", metric: 100 }),
    route("default", {
      family: "-6",
      dev: undefined,
      nexthops: [
        { gateway: "fe80::1", dev: "bond0", weight: 1, flags: [] },
        { gateway: "fe80::2", dev: "eth9", weight: 2, flags: ["onlink"] },
      ],
    }),
    route("192.0.2.0/24", {
      via: { family: "inet6", host: "fe80::1" },
      table: "77",
      metrics: [{ mtu: 1400 }],
    }),
  ],
};

test("a bond's addresses and routes move as they are: labels, metrics, several next hops, other tables, the link's own routes first", () => {
  assert.deepEqual(moveBatch(stand, "bond0", "br-ex").split("\n"), [
    "link set dev br-ex up",
    "address delete 10.0.0.11/24 dev bond0",
    "address delete 10.0.0.20/32 dev bond0",
    "address delete fd00::11/64 dev bond0",
    "address replace 10.0.0.11/24 broadcast 10.0.0.255 dev br-ex scope global noprefixroute",
    "address replace 10.0.0.20/32 dev br-ex scope global label br-ex:1",
    "address replace fd00::11/64 dev br-ex nodad",
    "route replace 10.0.0.0/24 dev br-ex table 254 proto 4 scope 253 src 10.0.0.11 metric 100",
    "route replace default via 10.0.0.1 dev br-ex table 254 proto 4 metric 100",
    "route replace ::/0 nexthop via fe80::1 dev br-ex weight 1 nexthop via fe80::2 dev eth9 onlink weight 2 table 254",
    "route replace 192.0.2.0/24 via inet6 fe80::1 dev br-ex table 77 mtu 1400",
    "",
  ]);
});

test("what was moved there moves back by the same text", () => {
  const back = moveBatch(stand, "br-ex", "bond0");
  assert.match(back, /^address delete 10\.0\.0\.11\/24 dev br-ex$/m);
  assert.match(back, /^route replace default via 10\.0\.0\.1 dev bond0 /m);
  assert.match(back, /label bond0:1/);
});

test("gateways are verified once each, without those that only mean something on one interface", () => {
  assert.deepEqual(gatewaysOf(stand), [{ is: "gateway", address: "10.0.0.1", family: "-4" }]);
});

for (const manager of managers)
  test(`the configuration for ${manager} names the uplink, the bridge and the MAC`, () => {
    const text = configurationText(manager, "bond0", stand.mac);
    for (const word of ["bond0", "br-ex", stand.mac]) assert.ok(text.includes(word), word);
  });
