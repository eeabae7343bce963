import assert from "node:assert/strict";
import { test } from "node:test";
import { hostCidrOf, parseIp } from "../../model/ip.ts";
import type { Door } from "./doors.ts";
import { type SharedBridge, wayInFlows } from "./flows.ts";
import { movedUdpPorts, udpLines } from "./portWriter.ts";
import { wayInRules } from "./table.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const aDoor = (to: string, change: Partial<Door> = {}): Door => ({
  ...{ protocol: "tcp", at: undefined, port: 30_080, to: ip(to), toPort: 80 },
  ...{ keepsClient: false, isForOwn: false, isOuter: false },
  ...change,
});

test("the table looks up what comes for the node's addresses, from outside and from the node itself", () => {
  const doors = [
    aDoor("10.96.0.10"),
    aDoor("10.96.0.11", { protocol: "sctp", port: 30_081 }),
    aDoor("10.244.0.5", { at: ip("192.0.2.9"), port: 8080 }),
    aDoor("10.244.0.6", { at: ip("127.0.0.1"), port: 8080, isForOwn: true }),
  ];
  const hosts = [ip("172.30.0.11"), ip("192.0.2.9"), ip("fd00:172:30::11")];
  assert.equal(
    wayInRules({ hosts, doors, masquerade: undefined, guards: [], addresses: [] }),
    `table inet weft_way_in
delete table inet weft_way_in
table inet weft_way_in {
  set hosts4 {
    typeof ip daddr
    elements = { 172.30.0.11,
      192.0.2.9 }
  }
  map ports4 {
    type inet_proto . inet_service : ipv4_addr . inet_service
    elements = { tcp . 30080 : 10.96.0.10 . 80,
      sctp . 30081 : 10.96.0.11 . 80 }
  }
  map exact4 {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
    elements = { 192.0.2.9 . tcp . 8080 : 10.244.0.5 . 80 }
  }
  map own4 {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
    elements = { 127.0.0.1 . tcp . 8080 : 10.244.0.6 . 80 }
  }
  chain enter {
    dnat ip to ip daddr . meta l4proto . th dport map @exact4
    ip daddr @hosts4 dnat ip to meta l4proto . th dport map @ports4
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump enter
  }
  chain output {
    type nat hook output priority -100; policy accept;
    dnat ip to ip daddr . meta l4proto . th dport map @own4
    jump enter
  }
}
`,
  );
});

test("an older nft of the host can read it: no set or map has a key of one simple type", () => {
  const floats = [{ outer: ip("172.30.0.210"), inner: ip("10.244.0.3") }];
  const guards = [
    { at: ip("198.51.100.10"), protocol: "tcp", port: 80, ranges: [hostCidrOf(ip("192.0.2.1"))] } as const,
  ];
  const addresses = [ip("198.51.100.10"), ip("2001:db8::10")];
  const rules = wayInRules({ hosts: [], doors: [], floats, guards, addresses, masquerade: undefined });
  const keys = rules.matchAll(/^ {2}(?:set|map) .*\n +(type(?:of)?) ([^:;\n]+)/gm).toArray();
  assert.ok(keys.length > 8);
  for (const [block, word, key = ""] of keys) assert.ok(word === "typeof" || key.includes(" . "), block);
});

test("the node's own processes reach ::1 from another address of theirs; from ::1 nothing can leave", () => {
  const doors = [aDoor("fd00:10:244::6", { at: ip("::1"), port: 8080, isForOwn: true })];
  const rules = wayInRules({ hosts: [], doors, guards: [], addresses: [], masquerade: undefined });
  assert.match(rules, /ip6 saddr != ::1 dnat ip6 to ip6 daddr \. meta l4proto \. th dport map @own6/);
});

test("where nothing else makes the node their source, the table does, and advises nobody of a shorter way", () => {
  const rules = wayInRules({
    hosts: [],
    doors: [aDoor("fd00:10:96::10")],
    masquerade: "br-ex",
    guards: [],
    addresses: [],
  });
  assert.match(rules, /oifname "br-ex" ct status dnat ct original ip6 daddr @hosts6 masquerade/);
  assert.match(rules, /oifname "br-ex" icmp type redirect drop/);
});

test("only ports that keep the client have flows, one for each uplink and shared address where they are open", () => {
  const bridge: SharedBridge = {
    ...{ socket: "unix:s", mac: "02:00:00:00:00:11", uplinks: [1, 3], out: "output:1", patch: 2 },
    shared: [ip("172.30.0.11"), ip("fd00:172:30::11")],
  };
  const keeps = { port: 30_081, keepsClient: true };
  const doors = [
    aDoor("10.96.0.10"),
    aDoor("169.254.0.7", keeps),
    aDoor("fd69::7", { ...keeps, protocol: "udp" }),
    aDoor("10.244.0.5", { ...keeps, at: ip("192.0.2.9") }),
  ];
  const flow = (uplink: number, match: string): string =>
    `add cookie=0x7765667477696e,table=0,priority=110,in_port=${uplink},dl_dst=02:00:00:00:00:11,${match},tp_dst=30081,actions=ct(commit,zone=64000,exec(set_field:1->ct_mark)),output:2`;
  assert.equal(
    wayInFlows(bridge, doors, { guards: [], addresses: [] }),
    [
      "delete cookie=0x7765667477696e/-1",
      ...[1, 3].map((uplink) => flow(uplink, "tcp,nw_dst=172.30.0.11")),
      ...[1, 3].map((uplink) => flow(uplink, "udp6,ipv6_dst=fd00:172:30::11")),
      "",
    ].join("\n"),
  );
});

test("the kernel forgets UDP clients of ports that lead elsewhere now, and of no others", () => {
  const dns = (port: number, to: string): Door => aDoor(to, { protocol: "udp", port });
  const before = [dns(1, "10.96.0.1"), dns(2, "10.96.0.2"), dns(3, "10.96.0.3"), aDoor("10.96.0.1")];
  const after = [dns(1, "10.96.0.1"), dns(2, "169.254.0.7"), dns(4, "10.96.0.4"), aDoor("10.96.0.9")];
  const moved = (old: readonly Door[], now: readonly Door[]) => movedUdpPorts(udpLines(old), udpLines(now));
  assert.deepEqual(moved(before, after), new Set([2, 3, 4]));
  const at = (text: string): Door => aDoor("10.244.0.5", { protocol: "udp", port: 5, at: ip(text) });
  assert.deepEqual(moved([at("192.0.2.8")], [at("192.0.2.9")]), new Set([5]));
});
