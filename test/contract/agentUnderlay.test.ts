// The agent on a virtual machine of a cloud, with real Open vSwitch in the machine and real OVN below it: pods become
// access ports of the machine's own bridge, and OVN's nested ports carry them. In place of the controller, this test
// offers the ports.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { plainAddress } from "../../sandbox/host.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { upSandbox } from "../../sandbox/up.ts";
import {
  gatewayConfigOf,
  nodeSubnetsAnnotation,
  poolOfferAnnotation,
  poolSeenOf,
} from "../../src/kube/annotations.ts";
import { type Json, list, record, text } from "../../src/kube/json.ts";
import { formatCidr, parseCidr } from "../../src/model/ip.ts";
import { namesOf } from "../../src/model/names.ts";
import { podNetworkAt } from "../../src/model/network.ts";
import { privateName } from "../real/privateName.ts";
import { addPodSwitch, podSwitch } from "../sandbox/nestedPods.ts";
import { call, kubeconfigFor, type PluginRun, runPlugin } from "./agentWorld.ts";
import { buildPlugin, offsetOf } from "./poolWorld.ts";

const stack = new AsyncDisposableStack();
const names = namesOf("test");
const subnets = ["10.244.1.0/24", "fd00:10:244:1::/64"].flatMap((each) => parseCidr(each) ?? []);
const ports = [
  { offset: 10, tag: 110 },
  { offset: 11, tag: 111 },
  { offset: 12, tag: 112 },
];
let sandbox: Sandbox;
let options: Json & { readonly cniSocket: string; readonly cniPlugin: string };
let apiSocket = "";
let agent: ReturnType<typeof spawn>;
const log: string[] = [];

/** A program of this folder, run in the node until the test ends. */
const start = (script: string, args: readonly string[]) => {
  const node = sandbox.host("n1");
  const [command = "", ...rest] = node.command([
    process.execPath,
    join(import.meta.dirname, script),
    ...args,
  ]);
  const child = spawn(command, rest, { env: { ...node.env }, stdio: ["ignore", "pipe", "inherit"] });
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, "exit");
  });
  return child;
};

const startAgent = (): void => {
  const child = start("./agentProcess.ts", [JSON.stringify(options)]);
  child.stdout.on("data", (chunk: Buffer) => log.push(chunk.toString()));
  agent = child;
};

before(async () => {
  const plugin = buildPlugin(stack);
  sandbox = stack.use(
    await upSandbox({ name: privateName("agentu"), mode: "underlay", nodes: 1, parts: "ovn" }),
  );
  const [host] = sandbox.layout.nodeHosts;
  if (!host) throw new Error("no node");
  const { state } = sandbox.layout;
  apiSocket = join(state, "fake-api.sock");
  const api = start("./agentApi.ts", ["6443", apiSocket]);
  await once(api.stdout, "data");
  const kubeconfig = join(state, "fake-kubeconfig");
  await writeFile(kubeconfig, kubeconfigFor("http://127.0.0.1:6443"));
  options = {
    nodeName: "n1",
    clusterId: "test",
    kubeconfig,
    network: { mode: "underlay" },
    addresses: "pooled",
    restMs: 500,
    clusterCidrs: ["10.244.0.0/16", "fd00:10:244::/48"],
    serviceCidrs: [],
    ovsDb: `unix:${host.ovsSocket}`,
    ovsRunDirectory: host.ovs,
    ovnRunDirectory: host.ovn,
    cniSocket: join(host.directory, "agent", "cni.sock"),
    cniConfDirectory: join(host.directory, "test-net.d"),
    cniBinDirectory: join(state, "cni-bin"),
    cniPlugin: plugin,
    healthAddress: "127.0.0.1:9410",
    leaseNamespace: "kube-system",
    heartbeatMs: 20_000,
    cniLimitMs: 5000,
  };
  await call(apiSocket, "PUT", "/api/v1/nodes", {
    metadata: { name: "n1", uid: "node-1", annotations: nodeSubnetsAnnotation(subnets) },
    status: {},
  });
  await addPodSwitch(sandbox, 1);
  for (const { offset, tag } of ports) await addNested(offset, tag);
  startAgent();
});
after(() => stack.disposeAsync());

/** A child of the node's own port, as the controller would make it. */
const addNested = async (offset: number, tag: number): Promise<void> => {
  const name = names.poolPort("n1", offset);
  const { mac, addresses } = podNetworkAt(subnets, offset);
  const identity = [mac, ...addresses.map((each) => plainAddress(formatCidr(each)))].join(" ");
  const parent = `${sandbox.layout.name}-n1`;
  await sandbox.central.exec([
    ...["ovn-nbctl", "lsp-add", podSwitch(sandbox, "n1"), name, parent, String(tag)],
    ...["--", "lsp-set-addresses", name, identity, "--", "lsp-set-port-security", name, identity],
  ]);
};

const nodeAnnotations = async (): Promise<Record<string, string>> => {
  const { items } = record(await call(apiSocket, "GET", "/api/v1/nodes"));
  const found = record(record(record(list(items)[0]).metadata).annotations);
  return Object.fromEntries(Object.entries(found).map(([key, value]) => [key, text(value)]));
};

const eventually = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) assert.fail(`never: ${what}\n${log.slice(-30).join("")}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const cni = (command: string, container: string, netns: string): Promise<PluginRun> => {
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: container,
    CNI_NETNS: `/run/netns/${netns}`,
    CNI_IFNAME: "eth0",
    CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${container};K8S_POD_UID=${container}`,
    CNI_PATH: "/opt/cni/bin",
  };
  const { cniSocket, cniPlugin } = options;
  const stdin = { cniVersion: "1.1.0", name: "weft", type: "weft-cni", socket: cniSocket };
  return runPlugin(cniPlugin, env, JSON.stringify(stdin));
};

const netnsFor = async (name: string): Promise<string> => {
  const netns = `${sandbox.layout.netnsPrefix}pod-${name}`;
  await sandbox.host("n1").exec(["ip", "netns", "add", netns]);
  await call(apiSocket, "PUT", "/late", { metadata: { namespace: "default", name, uid: name } });
  return netns;
};

const inPod = (netns: string, ...argv: readonly string[]) =>
  spawnSync("ip", ["netns", "exec", netns, ...argv], { encoding: "utf8", timeout: 20_000 });
const reaches = (netns: string, to: string): boolean =>
  inPod(netns, "ping", "-c2", "-i0.2", "-W3", to).status === 0;

const ofPort = (name: string, column: string): Promise<string> =>
  sandbox
    .host("n1")
    .exec(["ovs-vsctl", "--bare", "get", "Port", name, column])
    .then((said) => said.trim());

const hostInterface = ({ said }: PluginRun): string => text(record(list(said?.interfaces)[0]).name);

let one: PluginRun;
let other: PluginRun;
const netns = { one: "", other: "" };

test("the node tells its MAC and addresses, and is ready once it has nested ports", async () => {
  await eventually(
    async () => gatewayConfigOf({ annotations: await nodeAnnotations() }) !== undefined,
    "announced",
  );
  const link = await sandbox.host("n1").exec(["ip", "-json", "link", "show", "br-ex"]);
  const gateway = gatewayConfigOf({ annotations: await nodeAnnotations() });
  assert.equal(gateway?.mac, record(list(JSON.parse(link))[0]).address);
  // One of them has no tag. Plugged in without one, it would be on the node's own network.
  const offer = {
    line: "1",
    from: 0,
    generation: 1,
    asked: 1,
    open: [],
    closed: [...ports, { offset: 13, tag: undefined }],
    withdrawn: [],
  };
  await call(apiSocket, "PATCH", "/api/v1/nodes/n1", {
    metadata: { annotations: poolOfferAnnotation(offer) },
  });
  await eventually(async () => {
    const node = sandbox.host("n1");
    return (await node.tryExec(["curl", "-sf", "http://127.0.0.1:9410/readyz"])).status === 0;
  }, "ready");
  await eventually(
    async () => poolSeenOf({ annotations: await nodeAnnotations() })?.generation === 1,
    "acknowledged",
  );
  const bridges = await sandbox.host("n1").exec(["ovs-vsctl", "list-br"]);
  assert.equal(bridges.trim(), "br-ex");
  const ofPool = "external_ids:weft.io/pool=test";
  const rows = await sandbox
    .host("n1")
    .exec(["ovs-vsctl", "--bare", "--columns=_uuid", "find", "Queue", ofPool]);
  assert.equal(rows.split("\n").filter((line) => line !== "").length, 3);
});

test("pods become access ports, and reach each other, a virtual machine and the physical machine", async () => {
  [netns.one, netns.other] = [await netnsFor("one"), await netnsFor("other")];
  [one, other] = [await cni("ADD", "one", netns.one), await cni("ADD", "other", netns.other)];
  const places = [offsetOf(one), offsetOf(other)];
  for (const [index, added] of [one, other].entries()) {
    const tag = ports.find(({ offset }) => offset === places[index])?.tag;
    assert.equal(await ofPort(hostInterface(added), "tag"), String(tag));
    assert.equal(await ofPort(hostInterface(added), "vlan_mode"), "access");
  }
  const others = ["vm", "machine"].flatMap((name) => sandbox.host(name).host.addresses.map(plainAddress));
  const peers = [`10.244.1.${places[1]}`, `fd00:10:244:1::${places[1]?.toString(16)}`];
  for (const address of [...peers, ...others]) assert.ok(reaches(netns.one, address), address);
});

test("a pod's frames have the machine's full size", async () => {
  const show = (device: string) => ["ip", "-json", "link", "show", device] as const;
  const mtuIn = (said: string) => Number(record(list(JSON.parse(said))[0]).mtu);
  const mtu = mtuIn(await sandbox.host("n1").exec(show("br-ex")));
  assert.equal(mtuIn(inPod(netns.one, ...show("eth0")).stdout), mtu);
  const [peer = ""] = list(other.said?.ips).map((ip) => text(record(ip).address).split("/")[0]);
  const payload = String(mtu - 28);
  assert.equal(inPod(netns.one, "ping", "-c1", "-W5", "-Mdo", "-s", payload, peer).status, 0);
});

test("pods survive a kill of the agent and of vswitchd, and an address rests after its pod", async () => {
  agent.kill("SIGKILL");
  if (agent.exitCode === null && agent.signalCode === null) await once(agent, "exit");
  await sandbox.processes.restart("n1-vswitchd");
  startAgent();
  const peer = `10.244.1.${offsetOf(other)}`;
  await eventually(() => reaches(netns.one, peer), "the pods reach each other again");
  await eventually(async () => (await cni("ADD", "one", netns.one)).exit === 0, "the agent serves");
  assert.deepEqual(await cni("ADD", "one", netns.one), one);
  assert.equal((await cni("DEL", "one", netns.one)).exit, 0);
  const spent = [offsetOf(one)];
  await eventually(async () => {
    const seen = poolSeenOf({ annotations: await nodeAnnotations() });
    return JSON.stringify(seen?.spent) === JSON.stringify(spent);
  }, "it is the controller's to give again");
});

test("a bridge whose flows somebody deletes forwards again, and so does a kernel whose switch somebody turns off", async () => {
  const node = sandbox.host("n1");
  const forwarding = "/proc/sys/net/ipv4/ip_forward";
  await node.exec(["ovs-ofctl", "del-flows", `unix:${text(options.ovsRunDirectory)}/br-ex.mgmt`]);
  await node.exec(["sh", "-c", `echo 0 > ${forwarding}`]);
  const [machine = ""] = sandbox.host("machine").host.addresses.map(plainAddress);
  const ping = () => node.tryExec(["ping", "-c1", "-W2", machine]);
  await eventually(async () => (await ping()).status === 0, "the node reaches a machine outside");
  await eventually(async () => (await node.exec(["cat", forwarding])).trim() === "1", "the kernel forwards");
});

test("an address that changes while nothing else happens is reported", async () => {
  const lines = ["address del 172.31.0.11/24 dev br-ex", "address add 172.31.0.77/24 dev br-ex"];
  await sandbox.host("n1").exec(["ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
  await eventually(async () => {
    const told = gatewayConfigOf({ annotations: await nodeAnnotations() })?.addresses.map(formatCidr);
    return told?.[0] === "172.31.0.77/24";
  }, "the new address is told");
});
