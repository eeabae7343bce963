import assert from "node:assert/strict";
import { test } from "node:test";
import { Interner } from "../../kube/intern.ts";
import type { Service } from "../../kube/objects.ts";
import { serviceOf } from "../../kube/project.ts";
import { formatCidr, formatIp, parseIp } from "../../model/ip.ts";
import { wayInFlows } from "./flows.ts";
import { outerOf } from "./outerDoors.ts";
import { wayInRules } from "./table.ts";

const aService = (spec: object, name = "web"): Service =>
  serviceOf(
    {
      metadata: { namespace: "shop", name, uid: `uid-${name}`, resourceVersion: "1" },
      spec: {
        ...{ type: "LoadBalancer", clusterIPs: ["10.96.0.10", "fd00:10:96::10"] },
        ...{ ports: [{ port: 80, nodePort: 30_080 }], ...spec },
      },
      status: { loadBalancer: { ingress: [{ ip: "198.51.100.10" }, { ip: "2001:db8::10" }] } },
    },
    new Interner(),
  ) ?? assert.fail();
const lines = (...services: readonly Service[]): readonly string[] =>
  outerOf(services).doors.map(
    ({ protocol, at, port, to, toPort, keepsClient, isForOwn }) =>
      `${protocol} ${at && formatIp(at)} ${port} ▶ ${formatIp(to)} ${toPort}${keepsClient ? ", as the client" : ""}${isForOwn ? ", from inside" : ""}`,
  );

test("an address from outside leads to the cluster address of its family", () => {
  assert.deepEqual(lines(aService({})), [
    "tcp 198.51.100.10 80 ▶ 10.96.0.10 80",
    "tcp 2001:db8::10 80 ▶ fd00:10:96::10 80",
  ]);
  assert.deepEqual(lines(aService({ clusterIPs: ["10.96.0.10"] })), ["tcp 198.51.100.10 80 ▶ 10.96.0.10 80"]);
});

test("with Local the kernel leads the node's own processes alone; the others see a server that sees them", () => {
  assert.deepEqual(lines(aService({ externalTrafficPolicy: "Local" })), [
    "tcp 198.51.100.10 80 ▶ 10.96.0.10 80, as the client, from inside",
    "tcp 2001:db8::10 80 ▶ fd00:10:96::10 80, as the client, from inside",
  ]);
});

test("where inside each node has its own endpoints, the node port's address has all", () => {
  const [first] = lines(aService({ internalTrafficPolicy: "Local" }));
  assert.equal(first, "tcp 198.51.100.10 80 ▶ 169.254.0.6 30080");
});

test("of two Services with one address and port the first by name has it", () => {
  const later = aService({ clusterIPs: ["10.96.0.99"], ports: [{ port: 80 }, { port: 81 }] }, "x");
  assert.deepEqual(lines(later, aService({ clusterIPs: ["10.96.0.10"] })), [
    "tcp 198.51.100.10 80 ▶ 10.96.0.10 80",
    "tcp 198.51.100.10 81 ▶ 10.96.0.99 81",
  ]);
});

test("source ranges guard the families that they are of, each address once", () => {
  const ranges = ["203.0.113.0/24", "203.0.113.7/32", "192.0.2.7/32", "203.0.113.0/24"];
  const { guards } = outerOf([aService({ loadBalancerSourceRanges: ranges })]);
  assert.deepEqual(
    guards.map((guard) => [formatIp(guard.at), ...guard.ranges.map(formatCidr)]),
    [["198.51.100.10", "203.0.113.0/24", "192.0.2.7/32"]],
  );
});

test("where the host is the pods' gateway, its kernel leads clients to the endpoints of the node, behind the node port", () => {
  const doorsOf = (ports: readonly object[], throughHost: boolean) =>
    outerOf([aService({ externalTrafficPolicy: "Local", clusterIPs: ["10.96.0.10"], ports })], throughHost)
      .doors;
  const ports = [{ port: 80, nodePort: 30_080 }];
  const doors = doorsOf(ports, true);
  assert.deepEqual(
    doors.filter(({ isForOwn }) => isForOwn),
    doorsOf(ports, false),
  );
  assert.deepEqual(
    doors.filter(({ isForOwn }) => !isForOwn).map(({ to, toPort }) => [formatIp(to), toPort]),
    [["169.254.0.7", 30_080]],
  );
  assert.deepEqual(doorsOf([{ port: 80 }], true), doorsOf([{ port: 80 }], false));
});

test("the kernel drops whom a guard does not know, and what it would forward to such an address", () => {
  const outer = outerOf([aService({ loadBalancerSourceRanges: ["203.0.113.0/24"] })]);
  const rules = wayInRules({ ...outer, hosts: [], masquerade: undefined });
  for (const line of [
    "set guarded4 {\n    type ipv4_addr . inet_proto . inet_service\n    elements = { 198.51.100.10 . tcp . 80 }",
    "flags interval\n    elements = { 198.51.100.10 . tcp . 80 . 203.0.113.0/24 }",
    "type filter hook prerouting priority dstnat - 1; policy accept;\n    ip daddr . meta l4proto . th dport @guarded4 ip daddr . meta l4proto . th dport . ip saddr != @allowed4 drop",
    "type filter hook forward priority filter; policy accept;\n    ip daddr @outer4 drop",
    "ip6 daddr @outer6 drop",
  ])
    assert.ok(rules.includes(line), `${line}\nis not in\n${rules}`);
});

test("the bridge leads clients that are allowed to the gateway router, and lets nothing for the address out", () => {
  const outer = outerOf([
    aService({
      ...{ externalTrafficPolicy: "Local", clusterIPs: ["10.96.0.10"] },
      loadBalancerSourceRanges: ["203.0.113.0/24", "192.0.2.7/32"],
    }),
  ]);
  const bridge = {
    ...{ socket: "unix:s", mac: "02:00:00:00:00:11", uplinks: [1], out: "output:1", patch: 2 },
    shared: [parseIp("172.30.0.11") ?? assert.fail()],
  };
  const flow = (match: string, actions: string): string =>
    `add cookie=0x7765667477696e,table=0,priority=110,${match},actions=${actions}`;
  const enter = (range: string): string =>
    flow(
      `in_port=1,dl_dst=02:00:00:00:00:11,tcp,nw_dst=198.51.100.10,nw_src=${range},tp_dst=80`,
      "ct(commit,zone=64000,exec(set_field:1->ct_mark)),output:2",
    );
  assert.deepEqual(wayInFlows(bridge, outer.doors, outer).trimEnd().split("\n"), [
    "delete cookie=0x7765667477696e/-1",
    enter("203.0.113.0/24"),
    enter("192.0.2.7/32"),
    flow("in_port=2,ip,nw_dst=198.51.100.10", "drop"),
    flow("in_port=2,ipv6,ipv6_dst=2001:db8::10", "drop"),
  ]);
});
