import assert from "node:assert/strict";
import { test } from "node:test";
import { type BridgePort, mtuOf, outputTo, portsAmong, uplinkNumbers } from "./uplink.ts";

type Wire = BridgePort["wires"][number];

const wire = (name: string, more: Partial<Wire> = {}): Wire => ({
  name,
  type: "",
  external_ids: new Map(),
  ofport: 1,
  ifindex: 2,
  mtu: 1500,
  mtu_request: undefined,
  mac_in_use: undefined,
  ...more,
});
const port = (
  name: string,
  wires: readonly Wire[] = [wire(name)],
  more: Partial<BridgePort> = {},
): BridgePort => ({
  name,
  external_ids: new Map(),
  tag: undefined,
  bond_mode: undefined,
  bond_active_slave: undefined,
  wires,
  ...more,
});
const local = port("br-ex", [wire("br-ex", { type: "internal", ofport: 65534 })]);
const toOvn = port("patch-demo-to-br-int", [wire("patch-demo-to-br-int", { type: "patch" })], {
  external_ids: new Map([["ovn-localnet-port", "demo"]]),
});
const bond = (mode: BridgePort["bond_mode"], more: Partial<BridgePort> = {}): BridgePort =>
  port(
    "bond0",
    [
      wire("eth0", { ofport: 3, mtu: 9000, mac_in_use: "02:00:00:00:00:03" }),
      wire("eth1", { ofport: 4, mtu: 1500, mac_in_use: "02:00:00:00:00:04" }),
    ],
    { bond_mode: mode, ...more },
  );

test("whatever leads to the network is the uplink: a card, a VLAN, a bond of the kernel, a port of another switch", () => {
  const others = [
    local,
    toOvn,
    port("storage", [wire("storage", { type: "internal" })]),
    port("vx", [wire("vx", { type: "vxlan" })]),
  ];
  for (const uplink of [
    port("eth0"),
    port("eth0.100"),
    port("bond0"),
    port("team0"),
    port("veth-to-br0"),
    port("dpdk-p0", [wire("dpdk-p0", { type: "dpdk" })]),
    port("to-br-phys", [wire("to-br-phys", { type: "patch" })]),
    bond("active-backup"),
  ]) {
    const found = portsAmong([...others, uplink], undefined, "demo");
    assert.equal(found.uplink.name, uplink.name);
    assert.equal(found.patch?.name, "patch-demo-to-br-int");
  }
});

test("none and several are refused, unless the bridge says which", () => {
  assert.throws(
    () => portsAmong([local, toOvn], undefined),
    /needs exactly one uplink among its ports; it has: none$/,
  );
  const two = [local, port("eth0"), port("vnet7")];
  assert.throws(
    () => portsAmong(two, undefined),
    /it has: eth0, vnet7; say which one leads to the network: ovs-vsctl br-set-external-id br-ex bridge-uplink PORT/,
  );
  assert.equal(portsAmong(two, "eth0").uplink.name, "eth0");
  assert.throws(() => portsAmong(two, "eth9"), /has no port eth9/);
});

test("a VLAN tag in Open vSwitch is refused in overlay mode, with what to do instead", () => {
  const tagged = [port("br-ex", local.wires, { tag: 100 }), port("eth0")];
  assert.throws(
    () => portsAmong(tagged, undefined, "demo"),
    /port br-ex of br-ex has the VLAN tag 100.*ip link add link eth0 name eth0\.100 type vlan id 100/,
  );
  assert.equal(portsAmong(tagged, undefined).uplink.name, "eth0");
});

test("packets leave by the one interface, or by one of the bond's that the bond would use", () => {
  assert.equal(outputTo(port("eth0")), "output:1");
  assert.equal(outputTo(bond("balance-tcp")), "bundle(symmetric_l4,0,hrw,ofport,members:3,4)");
  assert.equal(outputTo(bond("active-backup")), "bundle(eth_src,0,active_backup,ofport,members:3,4)");
  const second = bond("active-backup", { bond_active_slave: "02:00:00:00:00:04" });
  assert.equal(outputTo(second), "bundle(eth_src,0,active_backup,ofport,members:4,3)");
  assert.deepEqual(uplinkNumbers(bond(undefined)), [3, 4]);
  assert.equal(uplinkNumbers(port("eth0", [wire("eth0", { ofport: -1 })])), undefined);
});

test("the MTU is the least of the uplink's interfaces, and what the bridge is asked to have", () => {
  const of = (uplink: BridgePort, own = local) => mtuOf({ uplink, local: own, patch: undefined });
  assert.equal(of(bond(undefined)), 1500);
  assert.equal(of(port("eth0", [wire("eth0", { mtu: 9000 })])), 9000);
  const asked = port("br-ex", [wire("br-ex", { mtu: 1500, mtu_request: 1400 })]);
  assert.equal(of(port("eth0"), asked), 1400);
  assert.equal(of(port("p", [wire("p", { type: "patch", mtu: undefined })])), undefined);
});
