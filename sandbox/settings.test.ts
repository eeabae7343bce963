import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { remoteHost } from "./host.ts";
import { layoutOf } from "./layout.ts";
import { type Choices, readSettings, sameSettings, settingsOf } from "./settings.ts";

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
];

for (const [choices, message] of refused)
  test(`${JSON.stringify(choices)} is refused`, () => {
    assert.throws(() => settingsOf(choices, 0), message);
  });

test("settings are the same after they were written and read, whatever the port", () => {
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

test("no two hosts of the largest sandbox share an address, a MAC or a namespace", () => {
  const layout = layoutOf(settingsOf({ nodes: 64 }, 0), "/run/x");
  const hosts = [layout.fabric, layout.central, layout.outside, ...layout.nodeHosts];
  for (const values of [
    hosts.flatMap((h) => h.addresses),
    hosts.map((h) => h.mac),
    hosts.map((h) => h.netns),
  ])
    assert.equal(new Set(values).size, values.length);
});

test("an IPv6 sandbox names its central host in brackets", () => {
  const layout = layoutOf(settingsOf({ families: [6] }, 0), "/run/x");
  assert.equal(remoteHost(layout.central), "[fd00:172:30::2]");
  assert.equal(layout.central.southbound, "tcp:[fd00:172:30::2]:6642");
});
