import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import type { HostState } from "../node/host/hostState.ts";
import { reportOf } from "./finding.ts";
import { listenersIn, type NodeFacts, type Switch } from "./nodeFacts.ts";
import { nodeFindings } from "./nodeFindings.ts";
import type { NodeIntent } from "./nodeIntent.ts";
import { printed } from "./print.ts";

const intent: NodeIntent = {
  mode: "overlay",
  network: clusterNetwork({
    pods: ["10.244.0.0/16", "fd00:10:244::/48"],
    services: ["10.96.0.0/16"],
    join: defaultJoin,
  }),
  cluster: "weft",
  southbound: "tcp:10.0.0.2:6642",
  central: true,
  cniConfDirectory: "/etc/cni/net.d",
};

function hostWith(ifname: string, local: string, prefixlen: number, mtu = 1500): HostState {
  const about = { dynamic: false, temporary: false, deprecated: false, tentative: false, dadfailed: false };
  return {
    links: [
      {
        ifname,
        address: "52:54:00:00:00:01",
        mtu,
        addr_info: [{ local, prefixlen, scope: "global", ...about }],
      },
    ],
    routes4: [
      {
        gateway: "10.0.0.1",
        dev: ifname,
        flags: [],
        type: "unicast",
        metric: 0,
        pref: "medium",
        nexthops: [],
      },
    ],
    routes6: [],
    rules: [],
  };
}

const wire = { type: "", external_ids: new Map(), ofport: 1, ifindex: 2, mtu: 1500, mtu_request: undefined };
const port = (name: string): NonNullable<Switch["bridge"]>["ports"][number] => ({
  name,
  external_ids: new Map(),
  tag: undefined,
  bond_mode: undefined,
  bond_active_slave: undefined,
  wires: [{ ...wire, name, type: name === "br-ex" ? "internal" : "", mac_in_use: undefined }],
});

const openVSwitch: Switch = {
  version: "3.5.0",
  externalIds: new Map(),
  bridge: { userspace: false, ports: [port("br-ex"), port("eth0")], chosen: undefined, hasController: false },
};

const good: NodeFacts = {
  kernel: "6.1.0-32-amd64",
  modules: new Set(["openvswitch", "geneve"]),
  hasIpv6: true,
  host: hostWith("br-ex", "10.0.0.11", 24),
  routes: [{ destination: "10.0.0.0/24", device: "br-ex" }],
  traces: {
    links: ["lo", "eth0", "br-ex"],
    tables: ["weft"],
    chains: ["KUBE-FIREWALL", "KUBE-KUBELET-CANARY"],
  },
  listeners: [],
  cniFiles: [{ name: "10-weft.conflist", types: ["weft-cni"] }],
  bridgeFilter: undefined,
  openVSwitch,
  ovn: "25.03.0",
  unknown: [],
};

const wrongIn = (facts: Partial<NodeFacts>, more: Partial<NodeIntent> = {}): readonly string[] =>
  nodeFindings({ ...good, ...facts }, { ...intent, ...more })
    .filter(({ severity }) => severity !== "fine")
    .map(({ severity, what }) => `${severity}: ${what}`);

test("a node that has all it needs has nothing in Weft's way", () => {
  assert.deepEqual(wrongIn({}), []);
});

const withBridge = (bridge: Partial<NonNullable<Switch["bridge"]>>): Partial<NodeFacts> => ({
  openVSwitch: {
    ...openVSwitch,
    bridge: { userspace: false, ports: [], chosen: undefined, hasController: false, ...bridge },
  },
});
const withIds = (...ids: readonly (readonly [string, string])[]): Partial<NodeFacts> => ({
  openVSwitch: { ...openVSwitch, externalIds: new Map(ids) },
});

const wrong: readonly (readonly [string, Partial<NodeFacts>, readonly RegExp[]])[] = [
  [
    "a kernel without modules",
    { modules: new Set(["openvswitch"]) },
    [/^refusal: the kernel has no module geneve$/],
  ],
  ["an old kernel", { kernel: "4.18.0-553.el8" }, [/^refusal: Linux 4\.18\S+ is older than 5\.2$/]],
  [
    "no Open vSwitch yet",
    { openVSwitch: { away: "unix:/run/x: no socket" } },
    [/^warning: Open vSwitch does not answer$/],
  ],
  [
    "an old Open vSwitch",
    { openVSwitch: { ...openVSwitch, version: "2.17.9" } },
    [/^warning: Open vSwitch 2\.17\.9 is older than 3\.1$/],
  ],
  ["an old OVN", { ovn: "22.03.3" }, [/^warning: OVN 22\.03\.3 is older than 23\.03$/]],
  [
    "no br-ex",
    { openVSwitch: { ...openVSwitch, bridge: undefined } },
    [/^warning: there is no bridge br-ex yet$/],
  ],
  ["a br-ex without uplink", withBridge({ ports: [port("br-ex")] }), [/^refusal: br-ex has no uplink$/]],
  [
    "a br-ex with someone else's ports",
    withBridge({ ports: [port("br-ex"), port("eth0"), port("vnet7")] }),
    [/^refusal: br-ex has several ports that could lead to the network$/],
  ],
  [
    "a br-ex with a controller",
    withBridge({ ports: [port("br-ex"), port("eth0")], hasController: true }),
    [/^refusal: br-ex has an OpenFlow controller$/],
  ],
  [
    "another OVN",
    withIds(["ovn-remote", "tcp:192.0.2.9:6642"]),
    [/^refusal: ovn-controller follows tcp:192\.0\.2\.9:6642/],
  ],
  [
    "another cluster of Weft",
    withIds(["ovn-remote", "tcp:10.0.0.2:6642"], ["ovn-cms-options", "weft-cluster=shop"]),
    [/^refusal: this node belongs to the cluster shop$/],
  ],
  [
    "too small an MTU",
    { host: hostWith("eth0", "10.0.0.11", 24, 1300) },
    [/^refusal: the MTU of eth0 is 1300 bytes/],
  ],
  [
    "ports in use",
    {
      listeners: listenersIn(
        'tcp LISTEN 0 10 0.0.0.0:6641 0.0.0.0:* users:(("nginx",pid=7,fd=2))\nudp UNCONN 0 0 [::]:6081 [::]:* users:(("vpnd",pid=9,fd=3))\nudp UNCONN 0 0 0.0.0.0:6081 0.0.0.0:*\n',
      ),
    },
    [/^refusal: nginx listens on TCP port 6641$/, /^refusal: vpnd listens on UDP port 6081$/],
  ],
  [
    "an interface and a route in a range",
    { host: hostWith("cni0", "10.244.3.1", 24), routes: [{ destination: "10.244.3.0/24", device: "cni0" }] },
    [/^refusal: cni0 has 10\.244\.3\.1\/24/, /^refusal: a route to 10\.244\.3\.0\/24/],
  ],
  [
    "configurations of other plugins",
    {
      cniFiles: [
        { name: "05-cilium.conflist", types: ["cilium-cni"] },
        { name: "87-podman.conflist", types: ["bridge"] },
      ],
    },
    [
      /^refusal: another network configuration \(cilium-cni\) comes before/,
      /^warning: another network configuration \(bridge\) is beside/,
    ],
  ],
  [
    "kube-proxy",
    { traces: { links: [], tables: ["kube-proxy"], chains: ["KUBE-SERVICES"] } },
    [/^warning: kube-proxy's rules are on this node$/],
  ],
  [
    "flannel's leftovers",
    { traces: { links: ["flannel.1", "cni0"], tables: [], chains: ["FLANNEL-FWD"] } },
    [/^warning: flannel is or was on this node$/],
  ],
  [
    "firewalld",
    { traces: { links: [], tables: ["firewalld"], chains: [] } },
    [/^warning: firewalld filters packets/],
  ],
];
for (const [what, facts, expected] of wrong)
  test(`${what}: found, with place, reason and remedy`, () => {
    const found = wrongIn(facts);
    assert.equal(found.length, expected.length, found.join("\n"));
    for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? "", pattern);
    for (const finding of nodeFindings({ ...good, ...facts }, intent).filter(
      ({ severity }) => severity !== "fine",
    ))
      assert.ok(finding.where !== "" && finding.why !== "" && finding.mend !== "", finding.what);
  });

test("what an underlay's machine does not have is not asked for", () => {
  assert.deepEqual(wrongIn({ modules: new Set(["openvswitch"]), ovn: undefined }, { mode: "underlay" }), []);
});

test("the userspace datapath needs no modules", () => {
  const bridge = {
    userspace: true,
    ports: [port("br-ex"), port("eth0")],
    chosen: undefined,
    hasController: false,
  };
  assert.deepEqual(
    wrongIn({ modules: new Set(), kernel: "4.4.0", openVSwitch: { ...openVSwitch, bridge } }),
    [],
  );
});

test("the first line has the worst, the last one what to do about it", () => {
  const facts = { ...good, kernel: "4.18.0", ovn: "22.03.3" };
  const report = reportOf({
    subject: "node n1",
    findings: nodeFindings(facts, intent),
    unknown: [],
    whenReady: "weft check cluster",
  });
  const lines = printed(report).split("\n");
  assert.equal(
    lines[0],
    "not ready: node n1: 1 refusal, the worst: Linux 4.18.0 is older than 5.2 (uname -r)",
  );
  assert.equal(lines.at(-1), "next: install a newer kernel and reboot the node");
  assert.deepEqual(report.findings.map(({ severity }) => severity).slice(0, 2), ["refusal", "warning"]);
});

test("with nothing refused, a source that does not answer makes it `cannot tell`", () => {
  const report = reportOf({
    subject: "node n1",
    findings: [],
    unknown: ["routes: ip: not found"],
    whenReady: "weft check cluster",
  });
  assert.equal(report.sentence, "cannot tell: node n1: routes: ip: not found");
});
