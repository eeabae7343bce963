import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../../model/ip.ts";
import { bridgeFlows } from "./bridgeFlows.ts";

const bridge = {
  mac: "0a:58:ac:1e:00:0b",
  uplinks: [1],
  out: "output:1",
  patch: 2,
  pods: ["10.244.0.0/16", "fd00:10:244::/48"].map((cidr) => parseCidr(cidr) ?? assert.fail(cidr)),
  direct: ["198.51.100.0/24", "2001:db8:51::/48"].map((cidr) => parseCidr(cidr) ?? assert.fail(cidr)),
};
const linesOf = (flows: string) => flows.trimEnd().split("\n");
const lines = linesOf(bridgeFlows(bridge));

test("the bundle takes our old flows away first, and no others", () => {
  assert.equal(lines[0], "delete cookie=0x77656674/-1");
  assert.ok(lines.slice(1).every((line) => line.startsWith("add cookie=0x77656674,table=")));
});

test("each way through the bridge has its flow", () => {
  const expected = [
    "table=0,priority=500,in_port=1,udp,dl_dst=0a:58:ac:1e:00:0b,tp_dst=6081,actions=LOCAL",
    "table=0,priority=500,in_port=LOCAL,udp6,tp_dst=6081,actions=output:1",
    "table=0,priority=500,in_port=2,udp,tp_dst=6081,actions=drop",
    "table=0,priority=500,in_port=2,udp6,tp_dst=6081,actions=drop",
    "table=0,priority=300,in_port=2,ip,nw_src=10.244.0.0/16,actions=drop",
    "table=0,priority=300,in_port=2,ipv6,ipv6_src=fd00:10:244::/48,actions=drop",
    "table=0,priority=300,in_port=LOCAL,ip,nw_src=10.244.0.0/16,actions=drop",
    "table=0,priority=300,in_port=LOCAL,ipv6,ipv6_src=fd00:10:244::/48,actions=drop",
    "table=0,priority=310,in_port=2,ip,nw_src=10.244.0.0/16,nw_dst=198.51.100.0/24,actions=output:1",
    "table=0,priority=310,in_port=1,dl_dst=0a:58:ac:1e:00:0b,ipv6,ipv6_src=2001:db8:51::/48,ipv6_dst=fd00:10:244::/48,actions=output:2",
    "table=0,priority=305,in_port=1,dl_dst=0a:58:ac:1e:00:0b,icmp,icmp_type=3,nw_dst=10.244.0.0/16,actions=output:2",
    "table=0,priority=200,in_port=1,arp,actions=LOCAL,output:2",
    "table=0,priority=200,in_port=2,icmp6,icmp_type=135,actions=output:1",
    "table=0,priority=100,in_port=2,ip,actions=ct(commit,zone=64000,exec(set_field:1->ct_mark)),output:1",
    "table=0,priority=100,in_port=LOCAL,ipv6,actions=ct(commit,zone=64000,exec(set_field:2->ct_mark)),output:1",
    "table=0,priority=100,in_port=1,ip,dl_dst=0a:58:ac:1e:00:0b,actions=ct(zone=64000,table=1)",
    "table=0,priority=0,actions=NORMAL",
    "table=1,priority=100,ct_mark=1,actions=output:2",
    "table=1,priority=0,actions=LOCAL",
  ];
  for (const flow of expected) assert.ok(lines.includes(`add cookie=0x77656674,${flow}`), flow);
});

test("where the host is the pods' gateway, what pods and direct ranges send each other passes through it, and all else is the same", () => {
  const through = linesOf(bridgeFlows({ ...bridge, throughHost: true }));
  const flow = (rest: string): string => `add cookie=0x77656674,table=0,priority=${rest}`;
  for (const line of [
    flow("310,in_port=LOCAL,ip,nw_src=10.244.0.0/16,nw_dst=198.51.100.0/24,actions=output:1"),
    flow(
      "310,in_port=1,dl_dst=0a:58:ac:1e:00:0b,ip,nw_src=198.51.100.0/24,nw_dst=10.244.0.0/16,actions=LOCAL",
    ),
    flow("305,in_port=1,dl_dst=0a:58:ac:1e:00:0b,icmp,icmp_type=3,nw_dst=10.244.0.0/16,actions=LOCAL"),
  ])
    assert.ok(through.includes(line), line);
  const isDirect = (line: string): boolean => /priority=3(05|10),/.test(line);
  assert.deepEqual(
    through.filter((line) => !isDirect(line)),
    lines.filter((line) => !isDirect(line)),
  );
});

test("a bond is heard on all its interfaces, and spoken to by the action that chooses one", () => {
  const out = "bundle(eth_src,0,active_backup,ofport,members:3,4)";
  const bonded = bridgeFlows({
    mac: "0a:58:ac:1e:00:0b",
    uplinks: [3, 4],
    out,
    patch: 2,
    pods: [],
    direct: [],
  });
  for (const flow of [
    ...[3, 4].map(
      (port) => `priority=100,in_port=${port},ip,dl_dst=0a:58:ac:1e:00:0b,actions=ct(zone=64000,table=1)`,
    ),
    `priority=200,in_port=LOCAL,arp,actions=${out}`,
    `priority=100,in_port=2,ipv6,actions=ct(commit,zone=64000,exec(set_field:1->ct_mark)),${out}`,
  ])
    assert.ok(bonded.includes(flow), flow);
});

test("no two flows have the same table, priority and match: the later would silently replace the earlier", () => {
  const matches = lines.slice(1).map((line) => line.replace(/,actions=.*$/, ""));
  assert.equal(new Set(matches).size, matches.length);
});
