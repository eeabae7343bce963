import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { remoteHost } from "./host.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { type Choices, datapathOf, readSettings, sameSettings, settingsOf } from "./settings.ts";

test("what a user leaves out is three nodes with both families", () => {
  const settings = settingsOf({}, 1234);
  assert.equal(settings.name, "demo");
  assert.equal(settings.nodes, 3);
  assert.deepEqual(settings.clusterCidrs, ["10.244.0.0/16", "fd00:10:244::/48"]);
  assert.deepEqual(settings.serviceCidrs, ["10.96.0.0/16", "fd00:10:96::/112"]);
});

const refused: readonly (readonly [Choices, RegExp])[] = [
  [{ name: "a-b" }, /--name a-b/],
  [{ name: "../../etc" }, /--name/],
  [{ nodes: 0 }, /--nodes 0/],
  [{ nodes: 65 }, /--nodes 65/],
  [{ clusterCidrs: ["10.244.0.0/33", "fd00::/48"] }, /10.244.0.0\/33: not an address/],
  [{ clusterCidrs: ["10.244.0.0/16"], serviceCidrs: [] }, /pods get IPv4, nodes IPv4 and IPv6/],
  [{ families: [6], serviceCidrs: ["10.96.0.0/16"] }, /IPv4/],
  [{ families: [4], serviceCidrs: ["10.96.0.0/16", "10.97.0.0/16"] }, /--service-cidr .*more than one/],
  [{ families: [4], clusterCidrs: ["10.96.0.0/12"] }, /10.96.0.0\/16 overlaps .*10.96.0.0\/12/],
  [{ families: [4], clusterCidrs: ["172.16.0.0/12"] }, /overlaps 172.30.0.0\/24/],
  [{ mode: "underlay", families: [4], clusterCidrs: ["172.31.0.0/16"] }, /overlaps 172.31.0.0\/24/],
  [{ mode: "underlay", parts: "ovs" }, /--only ovs: in underlay mode/],
  [{ mode: "underlay", parts: "hosts" }, /--only hosts: in underlay mode/],
  [{ mode: "underlay", gateway: "local" }, /--gateway local: in underlay mode/],
  [{ cloud: "one" }, /--cloud one: only with --mode underlay/],
  [{ vlan: 7 }, /--vlan 7: only with --mode underlay/],
  [{ mode: "underlay", vlan: 4095 }, /--vlan 4095: a number from 1 to 4094/],
  [{ mode: "underlay", cloud: "demo" }, /--cloud demo: not the name of another sandbox/],
  [{ mode: "underlay", cloud: "../x" }, /--cloud ..\/x/],
];

for (const [choices, message] of refused)
  test(`${JSON.stringify(choices)} is refused`, () => {
    assert.throws(() => settingsOf(choices, 0), message);
  });

test("packets are moved by ovs-vswitchd, unless the kernel is chosen", () => {
  assert.equal(settingsOf({}, 0).datapath, "userspace");
  const kernel = layoutOf(settingsOf({ datapath: "kernel" }, 0), "/run");
  assert.deepEqual(
    kernel.nodeHosts.map(({ datapath, externalIds }) => [datapath, externalIds["ovn-bridge-datapath-type"]]),
    Array.from({ length: 3 }, () => ["kernel", "system"]),
  );
  assert.throws(() => datapathOf("dpdk"), /WEFT_DATAPATH=dpdk: userspace or kernel/);
});

test("settings survive being written and read, whatever the port", () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-settings-"));
  const file = join(directory, "sandbox.json");
  try {
    assert.equal(readSettings(file), undefined);
    const settings = settingsOf({ name: "one", families: [6] }, 4711);
    writeFileSync(file, JSON.stringify(settings));
    const read = readSettings(file);
    assert.ok(read);
    assert.deepEqual(read, settings);
    assert.equal(sameSettings(read, { ...settings, apiPort: 1 }), true);
    assert.equal(sameSettings(read, { ...settings, nodes: 4 }), false);
    writeFileSync(file, "{}");
    assert.throws(() => readSettings(file), /sandbox.json: not the settings/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

for (const mode of ["overlay", "underlay"] as const)
  test(`no two hosts of the largest ${mode} sandbox share an address, a MAC, a namespace or an interface`, () => {
    const layout = layoutOf(settingsOf({ name: "twelveletter", mode, nodes: 64 }, 0), "/run/x");
    const hosts = [layout.fabric, ...layout.hosts];
    for (const values of [
      hosts.flatMap((h) => h.addresses),
      hosts.map((h) => h.mac),
      hosts.map((h) => h.netns),
      layout.cables.map(({ port }) => port),
    ])
      assert.equal(new Set(values).size, values.length);
    assert.equal(layout.cables.length, layout.hosts.length);
    for (const { port } of layout.cables) assert.ok(port.length <= 15, port);
  });

test("a second tenant has the first one's addresses in its cloud, and nothing else in common", () => {
  const one = layoutOf(settingsOf({ name: "one", mode: "underlay" }, 0), "/run/x");
  const two = layoutOf(settingsOf({ name: "two", mode: "underlay", cloud: "one" }, 0), "/run/x");
  const addresses = ({ hosts }: Layout) => hosts.map((host) => [host.name, ...host.addresses]);
  assert.deepEqual(addresses(two), addresses(one));
  assert.deepEqual(two.hypervisors, one.hypervisors);
  assert.deepEqual(two.central, one.central);
  const ownNames = ({ cables, tenant }: Layout) => [
    ...cables.flatMap(({ host, port }) => [host.netns, port]),
    ...(tenant ? [tenant.router, tenant.vms.switch, tenant.machines.switch] : []),
    ...(tenant?.vifs.map(({ logicalPort }) => logicalPort) ?? []),
  ];
  assert.equal(new Set(ownNames(one)).intersection(new Set(ownNames(two))).size, 0);
  assert.deepEqual([one.vlan, two.vlan], [undefined, 101]);
});

test("settings from before there were modes are those of an overlay", () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-settings-"));
  try {
    const settings = settingsOf({ name: "old" }, 4711);
    const { mode, cloud, vlan, ...old } = settings;
    writeFileSync(join(directory, "sandbox.json"), JSON.stringify(old));
    assert.deepEqual(readSettings(join(directory, "sandbox.json")), { ...settings, mode, cloud, vlan });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("an IPv6 sandbox names its central host in brackets", () => {
  const layout = layoutOf(settingsOf({ families: [6] }, 0), "/run/x");
  assert.equal(remoteHost(layout.central), "[fd00:172:30::2]");
  assert.equal(layout.central.southbound, "tcp:[fd00:172:30::2]:6642");
});
