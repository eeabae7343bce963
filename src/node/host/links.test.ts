import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress, parseIp } from "../../model/ip.ts";
import type { PodLink } from "../nouns/link.ts";
import { hostBatch, hostInterfaceOf, podBatch, retuneBatch } from "./links.ts";

const link: PodLink = {
  hostInterface: "w0123456789abcd",
  ifname: "eth0",
  netns: "/run/netns/x",
  mtu: { linkBytes: 1500, routeBytes: 1442 },
  network: {
    mac: "0a:58:0a:f4:00:05",
    addresses: [
      parseInterfaceAddress("10.244.0.5/24") ?? assert.fail(),
      parseInterfaceAddress("fd00:10:244::5/64") ?? assert.fail(),
    ],
    gateways: [parseIp("10.244.0.1") ?? assert.fail(), parseIp("fd00:10:244::1") ?? assert.fail()],
  },
};

test("the node's batch makes the pair with its far end in the pod", () => {
  assert.equal(
    hostBatch(link),
    `link add name w0123456789abcd mtu 1500 type veth peer name eth0 mtu 1500 address 0a:58:0a:f4:00:05 netns /run/netns/x
link set dev w0123456789abcd addrgenmode none up
`,
  );
});

test("the pod's batch adds addresses, then the link comes up, then routes lead out, with room for a tunnel", () => {
  assert.equal(
    podBatch(link),
    `address add 10.244.0.5/24 dev eth0 noprefixroute
address add fd00:10:244::5/64 dev eth0 noprefixroute nodad
link set dev eth0 up
route add 10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.5 mtu 1442
route add fd00:10:244::/64 dev eth0 proto kernel metric 256 mtu 1442
route add 0.0.0.0/0 via 10.244.0.1 dev eth0 mtu 1442
route add ::/0 via fd00:10:244::1 dev eth0 mtu 1442
`,
  );
});

test("another MTU changes the routes that are there, and adds none", () => {
  const lines = retuneBatch({ ...link, mtu: { linkBytes: 9000, routeBytes: 8942 } })
    .trimEnd()
    .split("\n");
  assert.equal(lines.length, 4);
  for (const line of lines) assert.match(line, /^route change .* mtu 8942$/);
});

test("the node's end has the same name each time, another one per attachment, and Linux takes it", () => {
  const names = [hostInterfaceOf("c1", "eth0"), hostInterfaceOf("c1", "eth1"), hostInterfaceOf("c2", "eth0")];
  assert.equal(new Set(names).size, 3);
  assert.equal(hostInterfaceOf("c1", "eth0"), names[0]);
  for (const name of names) assert.match(name, /^w[0-9a-f]{14}$/);
});
