// Reading a host's network and making pods' links, with the machine's own kernel and `ip` in namespaces of the test.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { formatCidr, formatIp, parseInterfaceAddress, parseIp } from "../../src/model/ip.ts";
import { hostNetwork } from "../../src/node/host/gateway.ts";
import { readHostState } from "../../src/node/host/hostState.ts";
import { configureLink, makeLink, retuneLink } from "../../src/node/host/podLink.ts";
import { type Run, run } from "../../src/node/host/run.ts";
import { portsAmong } from "../../src/node/host/uplink.ts";
import type { PodLink } from "../../src/node/nouns/link.ts";
import { privateName } from "../real/privateName.ts";

const name = privateName("hostn");
const [node, pod] = [`${name}-node`, `${name}-pod`];
const inNode: Run = (argv, options) => run(argv, { netns: `/run/netns/${node}`, ...options });
const batch = (lines: readonly string[]) => inNode(["ip", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });

before(async () => {
  for (const netns of [node, pod]) await run(["ip", "netns", "add", netns]);
  await batch([
    "link add br-ex type veth peer name eth0",
    "link set eth0 up",
    "link set br-ex up",
    "link set lo up",
  ]);
});
after(async () => {
  for (const netns of [pod, node]) await run(["ip", "netns", "delete", netns]);
});

const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const address = (text: string) => parseInterfaceAddress(text) ?? assert.fail(text);

async function read(internal: readonly string[] = []) {
  const wire = { name: "eth0", type: "", external_ids: new Map<string, string>() };
  const numbers = { ofport: 1, ifindex: 2, mtu: 1500, mtu_request: undefined, mac_in_use: undefined };
  const port = {
    name: "eth0",
    external_ids: new Map(),
    tag: undefined,
    bond_mode: undefined,
    bond_active_slave: undefined,
  };
  const ports = portsAmong([{ ...port, wires: [{ ...wire, ...numbers }] }], undefined);
  const known = { internal: internal.map(ip), former: [] };
  const { gateway, hosts, remarks } = hostNetwork(await readHostState(inNode), {
    ports,
    ...known,
    clusterRanges: [],
  });
  return {
    mac: gateway.mac,
    addresses: gateway.addresses.map(formatCidr),
    nextHops: gateway.nextHops.map(formatIp),
    hosts: hosts.map(formatCidr),
    remarks,
  };
}

test("a bridge without an address is no host's network yet", async () => {
  await assert.rejects(read(), /br-ex is down or has no address/);
});

test("the oldest addresses stay the node's while others come and go, unless Kubernetes says otherwise", async () => {
  await batch(["address add 172.30.0.11/24 dev br-ex", "address add fd00:172:30::11/64 dev br-ex nodad"]);
  const own = ["172.30.0.11/24", "fd00:172:30::11/64"];
  assert.deepEqual((await read()).addresses, own);
  const added = ["172.30.0.20/24", "172.30.0.21/32", "fd00:172:30::20/64", "fd00:172:30::21/128"];
  await batch(added.map((each) => `address add ${each} dev br-ex${each.includes(":") ? " nodad" : ""}`));
  const found = await read();
  assert.deepEqual(found.addresses, own);
  assert.deepEqual(new Set(found.hosts), new Set([...own, ...added]));
  assert.deepEqual((await read(["172.30.0.21", "fd00:172:30::20"])).addresses, [
    "172.30.0.21/32",
    "fd00:172:30::20/64",
  ]);
  await batch(added.map((each) => `address delete ${each} dev br-ex`));
  assert.deepEqual((await read()).hosts, own);
});

test("all ways in which the kernel knows a gateway are read", async () => {
  const through = async (family: string, ...route: readonly string[]) => {
    await inNode(["ip", family, "route", "replace", "default", ...route]);
    return (await read()).nextHops;
  };
  const both = [
    "nexthop",
    "via",
    "172.30.0.1",
    "dev",
    "br-ex",
    "nexthop",
    "via",
    "172.30.0.2",
    "dev",
    "br-ex",
  ];
  assert.deepEqual(await through("-4", ...both), ["172.30.0.1", "172.30.0.2"]);
  assert.deepEqual(await through("-4", "via", "10.9.9.9", "dev", "br-ex", "onlink"), ["10.9.9.9"]);
  assert.deepEqual(await through("-6", "via", "fe80::1", "dev", "br-ex"), ["10.9.9.9", "fe80::1"]);
  const two = ["nexthop", "via", "fe80::1", "dev", "br-ex", "nexthop", "via", "fe80::2", "dev", "br-ex"];
  assert.deepEqual(await through("-6", ...two), ["10.9.9.9", "fe80::1", "fe80::2"]);
  await inNode(["ip", "nexthop", "add", "id", "7", "via", "172.30.0.3", "dev", "br-ex"]);
  assert.deepEqual(await through("-4", "nhid", "7"), ["172.30.0.3", "fe80::1", "fe80::2"]);
  assert.deepEqual(await through("-4", "dev", "br-ex"), ["fe80::1", "fe80::2"]);
  await inNode(["ip", "rule", "add", "from", "172.30.0.11", "table", "100"]);
  const { remarks } = await read();
  assert.equal(remarks.length, 2);
  assert.match(remarks[0] ?? "", /^the IPv4 default route through br-ex names no gateway/);
  assert.match(remarks[1] ?? "", /\(table 100\)/);
});

test("a pod's link gets IPv6 in a namespace without it, sends what fits into a tunnel, and takes another MTU while it is in use", async () => {
  const podNetns = `/run/netns/${pod}`;
  const inPod = (...argv: readonly [string, ...string[]]) => run(argv, { netns: podNetns });
  const off = ["all", "default"].map((which) => `net.ipv6.conf.${which}.disable_ipv6=1`);
  await inPod("sysctl", "-qw", ...off);
  const link: PodLink = {
    hostInterface: "w0123456789abcd",
    ifname: "eth0",
    netns: podNetns,
    mtu: { linkBytes: 1500, routeBytes: 1442 },
    network: {
      mac: "0a:58:0a:f4:00:05",
      addresses: [address("10.244.0.5/24"), address("fd00:10:244::5/64")],
      gateways: [ip("10.244.0.1"), ip("fd00:10:244::1")],
    },
  };
  const mtus = async () => {
    const link = await inPod("ip", "link", "show", "eth0");
    const routes = [await inPod("ip", "-4", "route", "show"), await inPod("ip", "-6", "route", "show")];
    const onRoutes = routes
      .flatMap((text) => text.split("\n"))
      .filter((line) => / eth0 /.test(`${line} `) && !line.startsWith("fe80"));
    return [link, ...onRoutes].map((line) => Number(line.match(/ mtu (\d+)/)?.[1]));
  };
  await makeLink(inNode, link);
  await configureLink(run, link, false);
  assert.match(await inPod("ip", "address", "show", "eth0"), /inet6 fd00:10:244::5\/64 scope global/);
  assert.deepEqual(await mtus(), [1500, 1442, 1442, 1442, 1442]);
  // In the agent both ends are reached from the node's own namespace.
  const anywhere: Run = (argv, options) =>
    options?.netns === undefined ? inNode(argv, options) : run(argv, options);
  for (const [from, to] of [
    [1500, 9000],
    [9000, 1400],
  ] as const) {
    await retuneLink(anywhere, { ...link, mtu: { linkBytes: to, routeBytes: to - 58 } }, from);
    assert.deepEqual(await mtus(), [to, to - 58, to - 58, to - 58, to - 58]);
    assert.match(await inNode(["ip", "link", "show", "w0123456789abcd"]), new RegExp(` mtu ${to} `));
  }
  await inPod("ip", "route", "delete", "default");
  await retuneLink(anywhere, { ...link, mtu: { linkBytes: 1500, routeBytes: 1442 } }, 1400);
  assert.deepEqual(await mtus(), [1500, 1442, 1442, 1442]);
});

test("what fails in a pod is named by what was done there, not by the script that did it", async () => {
  const link = {
    netns: `/run/netns/${pod}`,
    ifname: "eth9",
    hostInterface: "w0",
    mtu: { linkBytes: 1500, routeBytes: 1442 },
  };
  const network = { mac: "", addresses: [address("10.244.0.6/24")], gateways: [] };
  await assert.rejects(configureLink(run, { ...link, network }, false), (error) => {
    assert.match(String(error), /addresses and routes of eth9 in \S+: exit 1: Cannot find device "eth9"/);
    return true;
  });
});
