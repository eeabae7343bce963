import assert from "node:assert/strict";
import { test } from "node:test";
import { floatingAddressOf } from "../../kube/floatingAddress.ts";
import { Interner } from "../../kube/intern.ts";
import { podOf } from "../../kube/project.ts";
import { formatIp, parseCidr, parseIp } from "../../model/ip.ts";
import { holders, movedIps } from "./floatingFlush.ts";
import { type Float, floatsAt } from "./floats.ts";
import { wayInFlows } from "./flows.ts";
import { wayInRules } from "./table.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const aFloating = (name: string, addresses: readonly string[], podUID = "uid-web", nodeName = "n1") =>
  floatingAddressOf(
    {
      metadata: { namespace: "shop", name, uid: `uid-${name}`, resourceVersion: "1" },
      spec: { podName: "web" },
      status: { addresses, podName: "web", podUID, nodeName },
    },
    new Interner(),
  ) ?? assert.fail();
const web =
  podOf(
    {
      metadata: { namespace: "shop", name: "web", uid: "uid-web", resourceVersion: "1" },
      status: { podIPs: [{ ip: "10.244.0.3" }, { ip: "fd00:10:244::3" }] },
    },
    new Interner(),
  ) ?? assert.fail();
const place = {
  nodeName: "n1",
  hosts: [ip("172.30.0.11")],
  subnets: ["10.244.0.0/24", "fd00:10:244::/64"].flatMap((text) => parseCidr(text) ?? []),
};
const lines = (floats: readonly Float[]): readonly string[] =>
  floats.map(({ outer, inner }) => `${formatIp(outer)} ▶ ${inner ? formatIp(inner) : "-"}`);

test("a node has the floating addresses of its pods, and never one that is its own, whatever a status says", () => {
  const floatings = [
    aFloating("b", ["172.30.0.210", "fd00:172:30::210"]),
    aFloating("a", ["172.30.0.11", "172.30.0.211"], "uid-of-an-earlier-web"),
    aFloating("c", ["172.30.0.210"]),
    aFloating("elsewhere", ["172.30.0.212"], "uid-web", "n2"),
  ];
  assert.deepEqual(lines(floatsAt(place, floatings, () => web)), [
    "172.30.0.211 ▶ -",
    "172.30.0.210 ▶ 10.244.0.3",
    "fd00:172:30::210 ▶ fd00:10:244::3",
  ]);
});

test("the kernel leads to no address that no pod of the node can have", () => {
  const outsideOfSubnets = { ...web, podIps: ["10.244.7.3", "172.30.0.12"] };
  assert.deepEqual(lines(floatsAt(place, [aFloating("b", ["172.30.0.210"])], () => outsideOfSubnets)), [
    "172.30.0.210 ▶ -",
  ]);
});

test("the bridge leads them to the gateway router whatever the protocol, and the kernel the node's own processes", () => {
  const floats = [
    { outer: ip("172.30.0.210"), inner: ip("10.244.0.3") },
    { outer: ip("fd00::210"), inner: undefined },
  ];
  const addresses = floats.map(({ outer }) => outer);
  const bridge = {
    ...{ socket: "unix:s", mac: "02:00:00:00:00:11", uplinks: [1], out: "output:1", patch: 2 },
    shared: [ip("172.30.0.11")],
  };
  const flow = (rest: string): string => `add cookie=0x7765667477696e,table=0,priority=${rest}`;
  assert.deepEqual(wayInFlows(bridge, [], { guards: [], addresses }, floats).trimEnd().split("\n").slice(1), [
    flow("110,in_port=2,ip,nw_dst=172.30.0.210,actions=drop"),
    flow("110,in_port=2,ipv6,ipv6_dst=fd00::210,actions=drop"),
    flow("510,in_port=1,dl_dst=02:00:00:00:00:11,ip,nw_dst=172.30.0.210,actions=output:2"),
    flow("510,in_port=1,dl_dst=02:00:00:00:00:11,ipv6,ipv6_dst=fd00::210,actions=output:2"),
  ]);
  const rules = wayInRules({ hosts: [], doors: [], floats, guards: [], addresses, masquerade: undefined });
  for (const line of [
    "map floating4 {\n    typeof ip daddr : ip daddr\n    elements = { 172.30.0.210 : 10.244.0.3 }",
    "chain enter {\n    dnat ip to ip daddr map @floating4",
    "ip6 daddr @outer6 drop",
  ])
    assert.ok(rules.includes(line), `${line}\nis not in\n${rules}`);
  assert.doesNotMatch(rules, /floating6|floatsout/);
});

test("where the host is the pods' gateway, the kernel leads all, and gives the pods' packets the address, before others translate them", () => {
  const floats = [{ outer: ip("172.30.0.210"), inner: ip("10.244.0.3") }];
  const addresses = floats.map(({ outer }) => outer);
  const bridge = {
    ...{ socket: "unix:s", mac: "02:00:00:00:00:11", uplinks: [1], out: "output:1", patch: 2 },
    ...{ shared: [ip("172.30.0.11")], throughHost: true },
  };
  assert.doesNotMatch(wayInFlows(bridge, [], { guards: [], addresses }, floats), /output:2/);
  const rules = wayInRules({
    ...{ hosts: [], doors: [], floats, guards: [], addresses, masquerade: undefined },
    podsComeBy: "weft0",
  });
  assert.ok(
    rules.includes(
      'nat hook postrouting priority srcnat - 1; policy accept;\n    oifname != "weft0" snat ip to ip saddr map { 10.244.0.3 : 172.30.0.210 }',
    ),
    rules,
  );
});

test("connections are forgotten when an address leads to another pod or to none, and not when it is new", () => {
  const one = aFloating("one", ["172.30.0.210", "172.30.0.211"]);
  const moved = (old: typeof one | undefined, now: typeof one | undefined): readonly string[] =>
    movedIps(holders(old ? [old] : []), holders(now ? [now] : [])).map(formatIp);
  assert.deepEqual(moved(undefined, one), []);
  assert.deepEqual(moved(one, aFloating("one", ["172.30.0.210", "172.30.0.211"])), []);
  assert.deepEqual(moved(one, aFloating("one", ["172.30.0.210", "172.30.0.211"], "another")), [
    "172.30.0.210",
    "172.30.0.211",
  ]);
  assert.deepEqual(moved(one, aFloating("one", ["172.30.0.211"])), ["172.30.0.210"]);
  assert.deepEqual(moved(one, undefined), ["172.30.0.210", "172.30.0.211"]);
  assert.deepEqual(moved(aFloating("one", ["172.30.0.210"], ""), one), []);
  const another = [aFloating("other", ["172.30.0.210"]), aFloating("one", ["172.30.0.211"])];
  assert.deepEqual(movedIps(holders([one]), holders(another)), [], "another object has it for the same pod");
});
