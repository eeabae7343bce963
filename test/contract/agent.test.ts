// The agent on two nodes with real Open vSwitch and OVN: the node joins the network, the CNI executable attaches pods
// through the agent, and both survive whatever happens to a node.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gatewayConfigOf, hostCidrsOf, podNetworkAnnotation } from "../../src/kube/annotations.ts";
import { formatCidr, parseIp } from "../../src/model/ip.ts";
import { podNetworkAt } from "../../src/model/network.ts";
import { flushConntrack, type Match, withEnd } from "../../src/node/ovs/conntrack.ts";
import { privateName } from "../real/privateName.ts";
import { buildWorld, type TestPod, type World } from "./agentWorld.ts";
import { arrivals, genevePayload } from "./datagrams.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-agent-test-"));
let world: World;
let agents: ReturnType<World["startAgent"]>[];
let a: TestPod;
let b: TestPod;

before(async () => {
  const plugin = join(folder, "weft-cni");
  execFileSync(fileURLToPath(new URL("../../src/cni/build.sh", import.meta.url)), [plugin]);
  world = await buildWorld(privateName("agent"), plugin);
  agents = [world.startAgent(0), world.startAgent(1)];
  await Promise.all([world.admitNode(0), world.admitNode(1)]);
  await Promise.all([world.ready(0), world.ready(1)]);
});
after(async () => {
  await world?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const inNamespace = (netns: string, ...argv: readonly string[]) =>
  spawnSync("ip", ["netns", "exec", netns, ...argv], { encoding: "utf8", timeout: 20_000 });

/** The destinations that do not answer two pings. */
const unreachable = (netns: string, destinations: readonly string[]): readonly string[] =>
  destinations.filter((to) => inNamespace(netns, "ping", "-c2", "-i0.2", "-W3", to).status !== 0);

const netnsOf = (name: string): string => world.sandbox.host(name).host.netns;

const eventually = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) assert.fail(`never: ${what}\n${world.log.join("")}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

const vsctl = async (...args: readonly string[]): Promise<string> =>
  (await world.sandbox.host("n1").exec(["ovs-vsctl", ...args])).trim();

const interfaceOf = (port: string): Promise<string> =>
  vsctl("find", "Interface", `external_ids:iface-id=${port}`);

/** Changes with every write to the row that holds ovn-controller's configuration. */
const rootVersion = (): Promise<string> => {
  const select = { op: "select", table: "Open_vSwitch", where: [], columns: ["_version"] };
  const { ovsDb } = world.optionsOf(0);
  const query = JSON.stringify(["Open_vSwitch", select]);
  return world.sandbox.host("n1").exec(["ovsdb-client", "transact", ovsDb, query]);
};

test("a node that can serve has the executable, its configuration, and no NetworkUnavailable", async () => {
  const { cniConfDirectory, cniBinDirectory, cniSocket } = world.optionsOf(0);
  await eventually(() => existsSync(join(cniConfDirectory, "10-weft.conflist")), "10-weft.conflist");
  const list = JSON.parse(await readFile(join(cniConfDirectory, "10-weft.conflist"), "utf8"));
  assert.deepEqual(list.plugins, [{ type: "weft-cni", socket: cniSocket }]);
  assert.equal((await stat(join(cniBinDirectory, "weft-cni"))).mode & 0o777, 0o755);
  assert.equal((await stat(cniSocket)).mode & 0o777, 0o600);
  assert.equal((await stat(join(cniSocket, ".."))).mode & 0o777, 0o700);
  await eventually(async () => {
    const conditions = await world.conditions(0);
    return JSON.stringify(conditions).includes('"reason":"WeftIsUp"');
  }, "the condition is cleared");
});

test("ADD attaches pods, and each reaches pods, nodes and the world in both families", async () => {
  [a, b] = [await world.makePod("a", 0, 10), await world.makePod("b", 1, 10)];
  const added = await world.cni("ADD", "ca", a);
  assert.equal(added.exit, 0, JSON.stringify(added.said));
  assert.equal((await world.cni("ADD", "cb", b)).exit, 0);
  const pods = ["10.244.0.10", "fd00:10:244::a", "10.244.1.10", "fd00:10:244:1::a"];
  const nodes = ["172.30.0.11", "fd00:172:30::11", "172.30.0.12", "fd00:172:30::12"];
  const outside = ["172.30.0.100", "fd00:172:30::100", "172.30.0.1"];
  for (const netns of [a.netns, b.netns, netnsOf("n1"), netnsOf("n2")]) {
    assert.deepEqual(unreachable(netns, [...pods, ...nodes, ...outside]), [], `from ${netns}`);
  }
  assert.deepEqual(unreachable(netnsOf("outside"), nodes), []);
});

test("a pod's connection leaves under the node's address", async () => {
  const [server, client] = [netnsOf("outside"), a.netns];
  for (const [at, seen] of [
    ["172.30.0.100", "172.30.0.11"],
    ["fd00:172:30::100", "fd00:172:30::11"],
  ] as const) {
    const listening = `$s = IO::Socket::IP->new(LocalAddr=>"${at}", LocalPort=>7777, Listen=>1, ReuseAddr=>1) or die;
      system("ip netns exec ${client} perl -MIO::Socket::IP -e 'IO::Socket::IP->new(PeerAddr=>q(${at}), PeerPort=>7777, Timeout=>5) or die' &");
      alarm 10; $c = $s->accept; print $c->peerhost;`;
    assert.equal(inNamespace(server, "perl", "-MIO::Socket::IP", "-e", listening).stdout, seen);
  }
});

test("a pod that takes its node for a router gets nowhere, though the node forwards", async () => {
  const [n1, outside] = [netnsOf("n1"), netnsOf("outside")];
  const forwarding = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
  inNamespace(n1, "sysctl", "-qw", ...forwarding, "net.ipv4.conf.all.route_localnet=1");
  const ways = [
    [outside, "172.30.0.100", "10.244.0.2"],
    [outside, "fd00:172:30::100", "fd00:10:244::2"],
    // Back into OVN by the port of the node itself, past the rules for the pod's own.
    [b.netns, "10.244.1.10", "10.244.0.2"],
    [b.netns, "fd00:10:244:1::a", "fd00:10:244::2"],
  ] as const;
  for (const [netns, to, via] of ways) {
    inNamespace(a.netns, "ip", "route", "add", to, "via", via, "dev", "eth0");
    const [stray, end] = [
      { netns: a.netns, to, payload: "stray" },
      { netns: n1, to, payload: "end" },
    ];
    assert.deepEqual(arrivals(netns, to, [stray, end]), [], `to ${to} by way of ${via}`);
    inNamespace(a.netns, "ip", "route", "del", to);
  }
  inNamespace(
    a.netns,
    "ip",
    "route",
    "add",
    "127.0.0.8",
    "via",
    "10.244.0.2",
    "dev",
    "eth0",
    "table",
    "local",
  );
  inNamespace(a.netns, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
  const [stray, end] = [
    { netns: a.netns, to: "127.0.0.8", payload: "stray" },
    { netns: n1, to: "127.0.0.8", payload: "end" },
  ];
  assert.deepEqual(arrivals(n1, "127.0.0.8", [stray, end]), [], "to the node's loopback");
});

test("the node's firewall comes back when somebody flushes all rules, as a restart of the machine's own does", async () => {
  const table = () => inNamespace(netnsOf("n1"), "nft", "list", "table", "inet", "weft").stdout;
  const before = table();
  assert.match(before, /iifname "weft0" ct state != \{ established, related \} drop/);
  inNamespace(netnsOf("n1"), "nft", "flush", "ruleset");
  await eventually(() => table() === before, "the same table again");
});

test("a pod answers what its node forwards to it, such as a container behind the node's own translation", async () => {
  const [n1, behind] = [netnsOf("n1"), await world.makeNamespace("behind")];
  const [inside, outside] = ["10.99.9.2/24", "10.99.9.1/24"];
  execFileSync("ip", [
    "-n",
    n1,
    "link",
    "add",
    "behind0",
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "netns",
    behind,
  ]);
  for (const [netns, device, address] of [
    [n1, "behind0", outside],
    [behind, "eth0", inside],
  ] as const) {
    execFileSync("ip", ["-n", netns, "address", "add", address, "dev", device]);
    execFileSync("ip", ["-n", netns, "link", "set", device, "up"]);
  }
  execFileSync("ip", ["-n", behind, "route", "add", "default", "via", "10.99.9.1"]);
  const masquerade = `add table ip behind
    add chain ip behind out { type nat hook postrouting priority 100; }
    add rule ip behind out ip saddr 10.99.9.0/24 masquerade`;
  execFileSync("ip", ["netns", "exec", n1, "nft", "-f", "-"], { input: masquerade });
  assert.deepEqual(unreachable(behind, ["10.244.0.10", "10.244.1.10"]), []);
});

test("a pod cannot send into another node's end of the tunnels", async () => {
  const key = async (...find: readonly string[]) =>
    Number(
      await world.sandbox.central.exec(["ovn-sbctl", "--bare", "--columns=tunnel_key", "find", ...find]),
    );
  const keys = {
    datapath: await key("Datapath_Binding", "external_ids:name=test_switch_n2"),
    port: await key("Port_Binding", "logical_port=test_pod_default_b"),
  };
  const inner = { mac: b.network.mac, from: "10.244.1.2", to: "10.244.1.10", payload: "forged" };
  const forged = { to: "172.30.0.12", port: 6081, payload: genevePayload(keys, inner) };
  const end = { netns: a.netns, to: "10.244.1.10", payload: "end" };
  // What another node sends arrives, so the packet is as it should be.
  assert.deepEqual(arrivals(b.netns, "10.244.1.10", [{ ...forged, netns: netnsOf("n1") }, end]), [
    "forged from 10.244.1.2",
  ]);
  assert.deepEqual(arrivals(b.netns, "10.244.1.10", [{ ...forged, netns: a.netns }, end]), []);
});

test("a second ADD of one container, also at the same moment, has the first one's result", async () => {
  const first = await world.cni("ADD", "ca", a);
  const both = await Promise.all([world.cni("ADD", "ca", a), world.cni("ADD", "ca", a)]);
  for (const again of both) assert.deepEqual(again, first);
  const c = await world.makePod("c", 0, 11);
  const [one, other] = await Promise.all([world.cni("ADD", "cc", c), world.cni("ADD", "cc", c)]);
  assert.equal(one.exit, 0);
  assert.deepEqual(one, other);
  assert.deepEqual(unreachable(c.netns, ["10.244.1.10"]), []);
});

test("a new container of a pod takes the place of the old one", async () => {
  const first = await world.makePod("d", 0, 12);
  assert.equal((await world.cni("ADD", "cc", first)).exit, 0);
  const again = await world.secondNamespace(first);
  assert.equal((await world.cni("ADD", "cc2", again)).exit, 0);
  const claiming = await vsctl(
    "--bare",
    "--columns=name",
    "find",
    "Interface",
    "external_ids:iface-id=test_pod_default_d",
  );
  assert.equal(claiming.split("\n").length, 1);
  assert.deepEqual(unreachable(again.netns, ["10.244.1.10", "fd00:10:244:1::a"]), []);
  assert.equal((await world.cni("DEL", "cc", again)).exit, 0);
  assert.deepEqual(unreachable(again.netns, ["10.244.1.10"]), []);
  assert.equal((await world.cni("DEL", "cc2", again)).exit, 0);
});

test("CHECK compares what exists with ADD's result", async () => {
  const { said: prevResult } = await world.cni("ADD", "ca", a);
  assert.deepEqual(await world.cni("CHECK", "ca", a, {}, { prevResult }), { exit: 0, said: undefined });
  const wrong = { prevResult: { ips: [{ address: "10.244.0.99/24" }] } };
  assert.equal((await world.cni("CHECK", "ca", a, {}, wrong)).said?.code, 100);
  const interfaces = [{ name: "eth0", mac: "0a:58:0a:f4:00:63", sandbox: "x" }];
  assert.equal((await world.cni("CHECK", "ca", a, {}, { prevResult: { interfaces } })).said?.code, 100);
  assert.equal((await world.cni("CHECK", "unknown", a, {}, { prevResult })).said?.code, 100);
  assert.equal((await world.cni("CHECK", "ca", a)).said?.code, 7);
});

test("what cannot be attached is refused with the specification's codes", async () => {
  const refusals: readonly (readonly [Record<string, string>, number])[] = [
    [{ CNI_NETNS: "/run/netns/no-such" }, 4],
    [{ CNI_NETNS: `/run/netns/${netnsOf("n1")}` }, 4],
    [{ CNI_NETNS: "/etc/hostname" }, 4],
    [{ CNI_NETNS: "/" }, 4],
    [{ CNI_IFNAME: "lo" }, 4],
    [{ CNI_NETNS: "" }, 4],
    [{ CNI_CONTAINERID: "" }, 4],
    [{ CNI_CONTAINERID: "../x" }, 4],
    [{ CNI_IFNAME: "far-too-long-a-name" }, 4],
    [{ CNI_ARGS: "" }, 4],
    [{ CNI_ARGS: "K8S_POD_NAMESPACE=default;K8S_POD_NAME=../a" }, 4],
    [{ CNI_COMMAND: "JUMP" }, 4],
  ];
  const free = await world.makePod("free", 0, 14);
  for (const [env, code] of refusals) {
    assert.equal((await world.cni("ADD", "cx", free, env)).said?.code, code, JSON.stringify(env));
  }
  assert.equal((await world.cni("GC", "", a)).said?.code, 7);
});

test("an ADD of a pod that is gone fails, whether the agent saw it go or not, and leaves nothing", async () => {
  const another = await world.cni("ADD", "cx", { ...a, uid: "another-uid" });
  assert.equal(another.said?.code, 3);
  assert.match(
    String(another.said.msg),
    new RegExp(`^pod default/a: the pod of that name in the API server has UID ${a.uid}$`),
  );
  const unknown = await world.cni("ADD", "cx", { ...a, name: "gone" });
  assert.match(String(unknown.said?.msg), /^pod default\/gone: the API server knows no such pod/);
  const waits = { ...a, name: "waits", uid: "waits-uid" };
  await world.putPod("waits", 0, waits.uid, {});
  const waiting = world.cni("ADD", "cwaits", waits);
  await world.deletePod("waits");
  assert.match(
    String((await waiting).said?.msg),
    /^pod default\/waits: (it was deleted|the API server knows no such pod)/,
  );
  assert.equal(await vsctl("--bare", "find", "Interface", 'external_ids:"weft.io/container"=cwaits'), "");
});

test("a second interface of a container is refused, and the first one stays", async () => {
  const { said } = await world.cni("ADD", "ca", a, { CNI_IFNAME: "net1" });
  assert.equal(said?.code, 4);
  assert.match(String(said.msg), /^CNI_IFNAME net1: the container already has an interface of Weft, eth0/);
  assert.equal((await world.cni("DEL", "ca", a, { CNI_IFNAME: "net1" })).exit, 0);
  assert.deepEqual(unreachable(a.netns, ["10.244.1.10"]), []);
});

test("a static pod, which the runtime names by its file's hash, is attached as its mirror", async () => {
  const mirror = await world.makePod("static", 0, 13, crypto.randomUUID(), {
    "kubernetes.io/config.hash": "0b5da0dd1d8f0f5f8d4d1a3b0d6c7e11",
  });
  const named = { ...mirror, uid: "0b5da0dd1d8f0f5f8d4d1a3b0d6c7e11" };
  const { exit, said } = await world.cni("ADD", "cstatic", named);
  assert.equal(exit, 0, JSON.stringify(said));
  assert.deepEqual(unreachable(mirror.netns, ["10.244.1.10"]), []);
  assert.equal((await world.cni("DEL", "cstatic", named)).exit, 0);
});

test("a port that OVN does not have makes ADD say what it saw", async () => {
  const stranger = { ...a, name: "stranger", uid: "stranger-uid" };
  const address =
    '{"default":{"ip_addresses":["10.244.0.77/24"],"mac_address":"0a:58:0a:f4:00:4d","gateway_ips":["10.244.0.1"]}}';
  await world.putPod("stranger", 0, stranger.uid, { "k8s.ovn.org/pod-networks": address });
  execFileSync("ip", ["netns", "add", `${a.netns}s`]);
  const { said } = await world.cni("ADD", "cs", { ...stranger, netns: `${a.netns}s` });
  assert.equal(said?.code, 11);
  assert.match(String(said.msg), /waited for ovn-controller to install port test_pod_default_stranger /);
  assert.match(
    String(said.details),
    /ofport \d+, error none, iface-id test_pod_default_stranger; ovn-controller: connected/,
  );
  assert.equal(inNamespace(`${a.netns}s`, "ip", "link", "show", "eth0").status, 1);
});

test("an address that somebody else wrote on the pod is never the pod's, though its node could have it", async () => {
  const pod = await world.makePod("liar", 0, 21);
  const state = (place: number) =>
    world.putPod("liar", 0, pod.uid, podNetworkAnnotation(podNetworkAt(world.resolved(0).subnets, place)));
  await state(22);
  const adding = world.cni("ADD", "cliar", pod);
  await eventually(
    async () => (await interfaceOf("test_pod_default_liar")).includes("10.244.0.22/24"),
    "lie",
  );
  await state(21);
  const refused = await adding;
  assert.equal(refused.said?.code, 11, JSON.stringify(refused.said));
  const added = await world.cni("ADD", "cliar", pod);
  assert.equal(added.exit, 0, JSON.stringify(added.said));
  assert.match(JSON.stringify(added.said), /10\.244\.0\.21\/24/);
  assert.deepEqual(unreachable(pod.netns, ["10.244.1.10"]), []);
});

test("DEL removes, twice if asked, and a later ADD attaches again", async () => {
  assert.deepEqual(await world.cni("DEL", "ca", a), { exit: 0, said: undefined });
  assert.deepEqual(await world.cni("DEL", "ca", a), { exit: 0, said: undefined });
  assert.equal((await world.cni("DEL", "never-seen", a, { CNI_NETNS: "", CNI_ARGS: "" })).exit, 0);
  assert.equal(inNamespace(a.netns, "ip", "link", "show", "eth0").status, 1);
  assert.equal((await world.cni("ADD", "ca", a)).exit, 0);
  assert.deepEqual(unreachable(a.netns, ["10.244.1.10"]), []);
});

test("fifty ADDs at once all succeed, and GC removes those that are not valid", async () => {
  const many = await Promise.all(
    Array.from({ length: 50 }, (_, index) => world.makePod(`m${index}`, 0, 20 + index)),
  );
  const added = await Promise.all(many.map((each) => world.cni("ADD", each.name, each)));
  assert.deepEqual(
    added.filter(({ exit }) => exit !== 0),
    [],
  );
  assert.deepEqual(unreachable(a.netns, ["10.244.0.20", "10.244.0.69", "fd00:10:244::45"]), []);
  const valid = [{ containerID: "ca", ifname: "eth0" }];
  assert.equal((await world.cni("GC", "", a, {}, { "cni.dev/valid-attachments": valid })).exit, 0);
  const left = await vsctl(
    "--bare",
    "--columns=external_ids",
    "find",
    "Interface",
    'external_ids:"weft.io/ifname"=eth0',
  );
  assert.match(left, /^[^\n]*weft.io\/container=ca[^\n]*$/);
});

test("an agent that is killed and restarted writes nothing, keeps its pods, and removes those that ended meanwhile", async () => {
  const gone = await world.makePod("gone", 0, 80);
  assert.equal((await world.cni("ADD", "cgone", gone)).exit, 0);
  const [agent] = agents;
  agent?.kill("SIGKILL");
  if (agent?.exitCode === null && agent.signalCode === null) await once(agent, "exit");
  assert.equal((await world.cni("ADD", "ca", a)).said?.code, 11);
  assert.equal((await world.cni("STATUS", "", a)).exit, 0, "its pods run on");
  execFileSync("ip", ["netns", "delete", gone.netns]);
  const before = await rootVersion();
  agents = [world.startAgent(0), ...agents.slice(1)];
  await world.ready(0);
  assert.equal(await rootVersion(), before);
  assert.deepEqual(unreachable(a.netns, ["10.244.1.10", "172.30.0.100"]), []);
  assert.equal((await world.cni("STATUS", "", a)).exit, 0);
  assert.equal((await world.cni("ADD", "ca", a)).exit, 0);
  const ofGone = () => vsctl("--bare", "find", "Interface", 'external_ids:"weft.io/container"=cgone');
  await eventually(async () => (await ofGone()) === "", "the port of the pod that ended is removed");
});

test("a second agent on the node is refused, takes nothing along, and the first one's socket comes back if lost", async () => {
  const second = world.startAgent(0);
  const [status]: unknown[] = await once(second, "exit");
  assert.notEqual(status, 0);
  const { cniSocket } = world.optionsOf(0);
  const answered = async () => (await world.cni("DEL", "none", a)).exit === 0;
  assert.equal(await answered(), true);
  rmSync(cniSocket);
  await eventually(answered, "the socket is back");
  await world.ready(0);
});

test("while the API is away, known pods are served and others get an answer in time", async () => {
  const known = await world.makePod("known", 0, 81);
  assert.equal((await world.cni("ADD", "ck", known)).exit, 0);
  assert.equal((await world.cni("DEL", "ck", known)).exit, 0);
  const thaw = world.freezeApi();
  try {
    assert.equal((await world.cni("ADD", "ck", known)).exit, 0);
    const { said } = await world.cni("ADD", "cu", { ...known, name: "unknown" });
    assert.equal(said?.code, 11);
    assert.match(String(said.msg), /^pod default\/unknown: /);
  } finally {
    thaw();
  }
  assert.equal((await world.cni("DEL", "ck", known)).exit, 0);
});

test("a restart of the Open vSwitch database is no more than a moment in which a retry helps", async () => {
  await world.sandbox.processes.stop("n1-ovsdb");
  await eventually(
    async () => (await world.cni("DEL", "none", a)).said?.code === 11,
    "DEL is to be tried again",
  );
  await world.sandbox.processes.restart("n1-ovsdb");
  const c = await world.makePod("after", 0, 82);
  await eventually(async () => (await world.cni("ADD", "cafter", c)).exit === 0, "ADD succeeds");
  assert.deepEqual(unreachable(c.netns, ["10.244.1.10", "172.30.0.100"]), []);
});

test("after a restart of vswitchd pods, node and outside find each other again", async () => {
  await world.sandbox.processes.restart("n1-vswitchd");
  const all = ["10.244.1.10", "fd00:10:244:1::a", "172.30.0.12", "172.30.0.100", "fd00:172:30::100"];
  await eventually(() => unreachable(a.netns, all).length === 0, "the pod reaches all");
  await eventually(
    () => unreachable(netnsOf("n1"), [...all, "10.244.0.10"]).length === 0,
    "the node reaches all",
  );
});

test("an agent whose chassis is another node's takes its ovn-controller off the network until that is over", async () => {
  const { annotations } = await world.nodeWith(1, () => true);
  const answer = (refused: string) =>
    world.api("PUT", "/api/v1/nodes", {
      metadata: {
        name: "n2",
        uid: "node-1",
        annotations: { ...annotations, "weft.io/refused-chassis-id": refused },
      },
      status: { conditions: [] },
    });
  const remote = async () => {
    const get = ["ovs-vsctl", "--if-exists", "get", "Open_vSwitch", ".", "external_ids:ovn-remote"];
    return (await world.sandbox.host("n2").exec(get)).trim();
  };
  const before = await remote();
  await answer(annotations["k8s.ovn.org/node-chassis-id"] ?? assert.fail());
  await eventually(async () => {
    const ask = ["curl", "-s", "http://127.0.0.1:9410/readyz"];
    const { stdout } = await world.sandbox.host("n2").tryExec(ask);
    return /another node has this one's system-id/.test(stdout);
  }, "the node is not ready");
  assert.equal(await remote(), "");
  await answer("");
  await world.ready(1);
  assert.equal(await remote(), before);
  assert.deepEqual(unreachable(a.netns, ["10.244.1.10"]), []);
});

test("a pod whose runtime switched IPv6 off in its namespace gets its IPv6 address, and it works", async () => {
  const six = await world.makePod("six", 0, 83);
  const off = ["all", "default"].map((which) => `net.ipv6.conf.${which}.disable_ipv6=1`);
  assert.equal(inNamespace(six.netns, "sysctl", "-qw", ...off).status, 0);
  const added = await world.cni("ADD", "csix", six);
  assert.equal(added.exit, 0, JSON.stringify(added.said));
  assert.deepEqual(unreachable(six.netns, ["10.244.1.10", "fd00:10:244:1::a"]), []);
  assert.equal((await world.cni("DEL", "csix", six)).exit, 0);
});

test("what fails inside a pod is told in a sentence, not as the agent's script", async () => {
  const odd = await world.makePod("odd", 0, 84);
  assert.equal(inNamespace(odd.netns, "ip", "route", "add", "default", "dev", "lo").status, 0);
  const { said } = await world.cni("ADD", "codd", odd);
  assert.match(String(said?.msg), /^addresses and routes of eth0 in \S+: exit 1: .*File exists/);
  assert.ok(!String(said?.msg).includes("$"), String(said?.msg));
});

test("addresses that come to the bridge are told as the node's own, and it stays known by the ones it had", async () => {
  const read = async () => {
    const node = await world.nodeWith(0, () => true);
    const encap = await vsctl("get", "Open_vSwitch", ".", "external_ids:ovn-encap-ip");
    return [gatewayConfigOf(node)?.addresses.map(formatCidr), encap];
  };
  const before = await read();
  const added = ["172.30.0.211/32", "fd00:172:30::210/128", "fd00:172:30::211/64"];
  for (const address of added) {
    const nodad = address.includes(":") ? ["nodad"] : [];
    await world.sandbox.host("n1").exec(["ip", "address", "add", address, "dev", "br-ex", ...nodad]);
  }
  const told = (node: { annotations: Record<string, string> }) => hostCidrsOf(node).map(formatCidr);
  await world.nodeWith(0, (node) => added.every((address) => told(node).includes(address)));
  assert.deepEqual(await read(), before);
  for (const address of added)
    await world.sandbox.host("n1").exec(["ip", "address", "del", address, "dev", "br-ex"]);
  await world.nodeWith(0, (node) => !added.some((address) => told(node).includes(address)));
});

test("another MTU of the uplink reaches the node's own interface, running pods and new ones, both ways, and one too small for IPv6 is told", async () => {
  const node = world.sandbox.host("n1");
  const uplinkTo = (mtu: number) => node.exec(["ip", "link", "set", "eth0", "mtu", String(mtu)]);
  const mtuIn = (netns: string, device: string) =>
    Number(inNamespace(netns, "cat", `/sys/class/net/${device}/mtu`).stdout);
  const routes = (netns: string) =>
    ["-4", "-6"].flatMap((family) =>
      [...inNamespace(netns, "ip", family, "route", "show", "default").stdout.matchAll(/ mtu (\d+)/g)].map(
        ([, mtu]) => Number(mtu),
      ),
    );
  // Not a smaller one first: what the network still sends in its own size would be lost, also to ovn-controller.
  for (const [index, mtu] of [9000, 1500].entries()) {
    await uplinkTo(mtu);
    await eventually(() => mtuIn(netnsOf("n1"), "weft0") === mtu - 58, `weft0 follows ${mtu}`);
    await eventually(() => mtuIn(a.netns, "eth0") === mtu, `the running pod follows ${mtu}`);
    await eventually(() => routes(a.netns).join() === `${mtu - 58},${mtu - 58}`, "its routes follow");
    const fresh = await world.makePod(`mtu${mtu}`, 0, 85 + index);
    await eventually(
      async () => (await world.cni("ADD", fresh.name, fresh)).exit === 0,
      `a new pod starts with ${mtu}`,
    );
    // One that starts while the running ones are being changed is changed with them.
    await eventually(
      () => [mtuIn(fresh.netns, "eth0"), ...routes(fresh.netns)].join() === [mtu, mtu - 58, mtu - 58].join(),
      `a new pod follows ${mtu}`,
    );
    const whole = ["-c1", "-W5", "-Mdo", "-s", String(mtu - 58 - 28), "10.244.0.2"];
    assert.equal(inNamespace(a.netns, "ping", ...whole).status, 0);
    assert.equal((await world.cni("DEL", fresh.name, fresh)).exit, 0);
  }
  const thaw = world.freezeApi();
  try {
    await uplinkTo(9000);
    await eventually(
      () => routes(a.netns).join() === "8942,8942",
      "running pods follow without the API server",
    );
  } finally {
    thaw();
  }
  await uplinkTo(1500);
  await eventually(() => mtuIn(a.netns, "eth0") === 1500, "the running pod follows back");
  await uplinkTo(1300);
  const small = await world.makePod("small", 0, 87);
  await eventually(async () => {
    const { exit, said } = await world.cni("ADD", "csmall", small);
    // The agent may not have noticed yet.
    if (exit === 0) assert.equal((await world.cni("DEL", "csmall", small)).exit, 0);
    return JSON.stringify(said).includes("IPv6 needs 1280: raise it to at least 1338");
  }, "the node says why it is not ready");
  // Open vSwitch opens the uplink anew for another MTU, and loses what comes meanwhile.
  await eventually(() => unreachable(a.netns, ["fd00:10:244::2"]).length === 0, "running pods are reached");
  await uplinkTo(1500);
  await world.ready(0);
});

test("connection tracking is flushed by one end and by virtual address, and nothing else goes with it", async () => {
  const { ovsRunDirectory } = world.optionsOf(0);
  const sendTo = (to: string) => {
    const program = `$s = IO::Socket::IP->new(PeerAddr=>"${to}", PeerPort=>5001, Proto=>"udp") or die; print $s "x"`;
    inNamespace(netnsOf("n1"), "perl", "-MIO::Socket::IP", "-e", program);
  };
  const entriesTo = async (to: string): Promise<number> => {
    const all = await world.sandbox.host("n1").exec(["ovs-appctl", "dpctl/dump-conntrack"]);
    return all.split("\n").filter((line) => line.startsWith("udp") && line.includes(`dst=${to},`)).length;
  };
  const ip = (text: string) => parseIp(text) ?? assert.fail(text);
  const families = [
    { near: "172.30.0.11", far: "172.30.0.100" },
    { near: "fd00:172:30::11", far: "fd00:172:30::100" },
  ] as const;
  for (const [index, { near, far }] of families.entries()) {
    const other = families[1 - index]?.far ?? "";
    const cases: readonly (readonly Match[])[] = [withEnd(ip(near)).slice(0, 1), withEnd(ip(far)).slice(1)];
    for (const matches of cases) {
      sendTo(far);
      sendTo(other);
      await eventually(async () => (await entriesTo(far)) > 0, "an entry");
      const others = await entriesTo(other);
      await flushConntrack(ovsRunDirectory, matches);
      assert.equal(await entriesTo(far), 0, matches.join());
      assert.equal(await entriesTo(other), others);
    }
  }
});
