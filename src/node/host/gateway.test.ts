// What Weft makes of hosts as they are found in the world. Each file of golden/ is one: the output of `ip -json`, what is
// already known of the node, and what should be read from it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as v from "valibot";
import { formatCidr, formatIp, parseCidr, parseIp } from "../../model/ip.ts";
import { type HostQuestion, hostNetwork } from "./gateway.ts";
import { hostStateSchema } from "./hostState.ts";
import { portsAmong } from "./uplink.ts";

const folder = join(import.meta.dirname, "golden");
const texts = v.array(v.string());
const golden = v.object({
  ...hostStateSchema.entries,
  what: v.string(),
  internal: texts,
  former: texts,
  expect: v.object({ addresses: texts, nextHops: texts, hosts: texts, remarks: texts }),
});
const wire = {
  name: "eth0",
  type: "",
  external_ids: new Map<string, string>(),
  ofport: 1,
  ifindex: 2,
  mtu: 1400,
  mtu_request: undefined,
  mac_in_use: undefined,
};
const ports = portsAmong(
  [
    {
      name: "eth0",
      external_ids: new Map(),
      tag: undefined,
      bond_mode: undefined,
      bond_active_slave: undefined,
      wires: [wire],
    },
  ],
  undefined,
);
const ips = (list: readonly string[]) => list.map((text) => parseIp(text) ?? assert.fail(text));
const clusterRanges = [
  ...["10.244.0.0/16", "fd00:10:244::/48", "10.96.0.0/16", "fd00:10:96::/112", "100.64.0.0/16", "fd98::/64"],
].map((text) => parseCidr(text) ?? assert.fail(text));
const question = (more: Partial<HostQuestion>): HostQuestion => ({
  ports,
  clusterRanges,
  internal: [],
  former: [],
  ...more,
});

for (const file of readdirSync(folder)) {
  const { what, internal, former, expect, ...state } = v.parse(
    golden,
    JSON.parse(readFileSync(join(folder, file), "utf8")),
  );
  test(`${file}: ${what}`, () => {
    const found = hostNetwork(state, question({ internal: ips(internal), former: ips(former) }));
    assert.deepEqual(
      {
        addresses: found.gateway.addresses.map(formatCidr),
        nextHops: found.gateway.nextHops.map(formatIp),
        hosts: found.hosts.map(formatCidr),
        remarks: found.remarks,
      },
      expect,
    );
    assert.equal(found.gateway.mtuBytes, 1400);
  });
}

test("where pods leave by the host's own routing, its rules and routes are no surprise", () => {
  const { internal, former, ...state } = v.parse(
    golden,
    JSON.parse(readFileSync(join(folder, "policy-routing.json"), "utf8")),
  );
  const known = { internal: ips(internal), former: ips(former) };
  assert.notDeepEqual(hostNetwork(state, question(known)).remarks, []);
  const found = hostNetwork(state, question({ ...known, throughHost: true }));
  assert.deepEqual([found.remarks, found.gateway.throughHost], [[], true]);
});

test("a bridge that is down, or has no address, is told with what to do", () => {
  const none = { links: [], routes4: [], routes6: [], rules: [] };
  assert.throws(
    () => hostNetwork(none, question({})),
    /br-ex is down or has no address: move the node's address from eth0 to br-ex/,
  );
});
