import assert from "node:assert/strict";
import { test } from "node:test";
import { type Chassis, chassisIds } from "./chassis.ts";

const chassis: Chassis = {
  cluster: "weft",
  nodeName: "n1",
  chassisId: "computed",
  ovnRemote: "tcp:172.30.0.2:6642",
  encapIp: "172.30.0.11",
};

test("a chassis keeps the id it has, and gets the computed one when it has none", () => {
  assert.equal(chassisIds(chassis, new Map([["system-id", "old"]]), false).get("system-id"), "old");
  assert.equal(chassisIds(chassis, new Map(), false).get("system-id"), "computed");
});

test("bridge mappings of others stay, and ours is there once", () => {
  const mappings = (present: string): string | undefined =>
    chassisIds(chassis, new Map([["ovn-bridge-mappings", present]]), false).get("ovn-bridge-mappings");
  assert.equal(mappings("storage:br-sto,physnet:br-old"), "storage:br-sto,physnet:br-ex");
  assert.equal(mappings(""), "physnet:br-ex");
});

test("the chassis is marked with its cluster, once, beside other people's options", () => {
  const marked = (present: string): string | undefined =>
    chassisIds(chassis, new Map([["ovn-cms-options", present]]), false).get("ovn-cms-options");
  assert.equal(marked(""), "weft-cluster=weft");
  assert.equal(marked("enable-chassis-as-gw,weft-cluster=old"), "enable-chassis-as-gw,weft-cluster=weft");
});

test("said again over what it said, nothing is different", () => {
  const once = chassisIds(chassis, new Map(), true);
  assert.equal(once.get("ovn-bridge-datapath-type"), "netdev");
  assert.deepEqual(chassisIds(chassis, once, true), once);
});

test("how the operator has tuned ovn-controller stays", () => {
  const tuned = new Map([
    ["ovn-monitor-all", "false"],
    ["ovn-ofctrl-wait-before-clear", "5000"],
  ]);
  for (const [key, value] of tuned) {
    assert.equal(chassisIds(chassis, tuned, false).get(key), value);
    assert.ok(chassisIds(chassis, new Map(), false).has(key));
  }
});
