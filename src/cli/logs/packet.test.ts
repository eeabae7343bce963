import assert from "node:assert/strict";
import { test } from "node:test";
import { loggedPacketIn } from "./packet.ts";
import { originOf } from "./policyNames.ts";
import { type PolicyPacket, packetLine } from "./print.ts";

const flow =
  "tcp,vlan_tci=0x0000,dl_src=0a:58:0a:f4:00:01,dl_dst=0a:58:0a:f4:01:03,nw_src=10.244.0.3,nw_dst=10.244.1.3,nw_tos=0,nw_ecn=0,nw_ttl=63,nw_frag=no,tp_src=43210,tp_dst=8080,tcp_flags=syn";
const line = (name: string, rest = flow): string =>
  `2026-11-29T12:00:03.120Z|00027|acl_log(ovn_pinctrl0)|INFO|name="${name}", verdict=drop, severity=info, direction=to-lport: ${rest}`;

test("a logged packet is read with its ends, in both families, with and without ports", () => {
  const packet = loggedPacketIn(line("NP:shop:closed:ingress:rest"));
  assert.deepEqual(packet, {
    time: "2026-11-29T12:00:03.120Z",
    verdict: "drop",
    severity: "info",
    acl: "NP:shop:closed:ingress:rest",
    protocol: "tcp",
    from: { address: "10.244.0.3", port: 43_210 },
    to: { address: "10.244.1.3", port: 8080 },
  });
  const six = loggedPacketIn(
    line("a", "icmp6,dl_src=x,ipv6_src=fd00::3,ipv6_dst=fd00:1::3,icmp_type=128,icmp_code=0"),
  );
  assert.deepEqual(six?.from, { address: "fd00::3", port: undefined });
  const old = line("a").replace(", direction=to-lport", "");
  assert.equal(loggedPacketIn(old)?.to.port, 8080, "OVN before 22.06 says no direction");
});

for (const other of [
  "",
  "2026-11-29T12:00:03.120Z|00001|main|INFO|OVN internal version is: [25.03.1]",
  line("").replace('name=""', "name=x"),
  line("a").slice(0, 70),
])
  test(`a line about anything else is no packet: ${other.slice(0, 50)}`, () => {
    assert.equal(loggedPacketIn(other), undefined);
  });

test("an ACL's name says its policy, direction and rule", () => {
  const of = (what: string, direction = "ingress") => originOf(`NP:shop:closed:${direction}:${what}`, []);
  const closed = {
    kind: "NetworkPolicy",
    namespace: "shop",
    name: "closed",
    direction: "ingress",
    rule: undefined,
  };
  assert.deepEqual(of("rest"), closed);
  assert.deepEqual(of("12"), { ...closed, rule: 12 });
  assert.deepEqual(of("0 TCP web 8080", "egress"), { ...closed, direction: "egress", rule: 0 });
  assert.equal(originOf("something else", []), undefined);
  const teams = { namespace: "", name: "teams", direction: "ingress", rule: 3 };
  assert.deepEqual(originOf("CNP:teams:ingress:3", []), { ...teams, kind: "ClusterNetworkPolicy" });
  assert.deepEqual(originOf("ANP:teams:ingress:3", []), { ...teams, kind: "AdminNetworkPolicy" });
});

test("a name that OVN had to cut is completed from the policies that exist, unless two of them fit", () => {
  const name = `closed-${"x".repeat(60)}`;
  const cut = `NP:shop:${name}:ingress:rest`.slice(0, 63);
  const policy = { kind: "NetworkPolicy", namespace: "shop", name } as const;
  assert.deepEqual(originOf(cut, [policy, { ...policy, name: "closed" }])?.name, name);
  assert.equal(originOf(cut, [policy, { ...policy, name: `${name}y` }]), undefined);
  const ofCluster = { kind: "ClusterNetworkPolicy", namespace: "", name } as const;
  assert.deepEqual(originOf(`CNP:${name}:egress:1`.slice(0, 63), [policy, ofCluster])?.kind, ofCluster.kind);
  assert.equal(originOf(cut, []), undefined);
  const whole = { kind: "NetworkPolicy", namespace: "shop", name: "x".repeat(42) } as const;
  assert.deepEqual(originOf(`NP:shop:${whole.name}:egress:12 TCP web 8080`.slice(0, 63), [whole]), {
    ...whole,
    direction: "egress",
    rule: 12,
  });
});

test("people read names, addresses and ports, and which policy did it", () => {
  const packet: PolicyPacket = {
    ...{ time: "12:00:03.120Z", verdict: "drop", severity: "info", protocol: "tcp6" },
    from: { address: "fd00::3", port: 43_210, name: "shop/web" },
    to: { address: "192.0.2.7", port: undefined, name: undefined },
    policy: {
      ...{ kind: "NetworkPolicy", namespace: "shop", name: "closed" },
      ...{ direction: "egress", rule: undefined },
    },
  };
  assert.equal(
    packetLine(packet),
    "12:00:03.120Z drop  info shop/web ([fd00::3]:43210) > 192.0.2.7 tcp6: NetworkPolicy shop/closed, egress, no rule allows it",
  );
  const allowed = { ...packet, policy: { ...packet.policy, rule: 2 }, verdict: "allow" };
  assert.match(packetLine(allowed), / allow info .*, egress, rule 2$/);
  const ofCluster = { ...allowed.policy, kind: "ClusterNetworkPolicy", namespace: "" } as const;
  assert.match(
    packetLine({ ...allowed, policy: ofCluster }),
    /: ClusterNetworkPolicy closed, egress, rule 2$/,
  );
});
