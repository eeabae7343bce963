// Flows for Services that a real vswitchd refuses: its table is full. The agent says so, tries again, and has not changed
// anything in between.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Sandbox, SandboxHost } from "../../sandbox/sandbox.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { Interner } from "../../src/kube/intern.ts";
import type { ConditionText } from "../../src/kube/objects.ts";
import { serviceOf } from "../../src/kube/project.ts";
import { emptyStore } from "../../src/kube/stores.ts";
import { parseIp } from "../../src/model/ip.ts";
import { writeFlows } from "../../src/node/host/ownFlows.ts";
import { CommandError, type Run } from "../../src/node/host/run.ts";
import { wayInCookie } from "../../src/node/wayIn/flows.ts";
import { PortWriter } from "../../src/node/wayIn/portWriter.ts";
import { privateName } from "../real/privateName.ts";
import { until } from "../real/until.ts";

let sandbox: Sandbox;
let node: SandboxHost;
let socket: string;
before(async () => {
  sandbox = await upSandbox({ name: privateName("full"), nodes: 1, parts: "ovs" });
  node = sandbox.host("n1");
  socket = `unix:${sandbox.layout.nodeHosts[0]?.ovs}/br-ex.mgmt`;
});
after(() => sandbox?.[Symbol.asyncDispose]());

/** On the node, as the agent does. */
const run: Run = async (argv, { stdin = "" } = {}) => {
  const { status, stdout, stderr } = await node.tryExec(argv, { input: stdin });
  if (status === 0) return stdout;
  throw new CommandError(
    `${argv.join(" ")}: exit ${status}: ${stderr.trim().replaceAll("\n", "; ")}`,
    stderr,
  );
};

const flows = (): Promise<string> => run(["ovs-ofctl", "-OOpenFlow14", "--no-stats", "dump-flows", socket]);
const full = () =>
  node.exec([
    ...["ovs-vsctl", "--id=@full", "create", "Flow_Table", "flow_limit=1", "overflow_policy=refuse"],
    ...["--", "set", "Bridge", "br-ex", "flow_tables:0=@full"],
  ]);
const roomy = () => node.exec(["ovs-vsctl", "clear", "Bridge", "br-ex", "flow_tables"]);

const own = () => ({ bridge: "br-ex", socket, cookie: "0x77" });

test("a bundle that vswitchd refuses is an error with its reason, and changes nothing", async () => {
  const before = await flows();
  await full();
  const bundle = "add cookie=0x77,table=0,priority=5,ip,actions=drop\n";
  await assert.rejects(writeFlows(run, own(), bundle), /TABLE_FULL/);
  assert.equal(await flows(), before);
  await roomy();
  const { difference } = await writeFlows(run, own(), bundle);
  assert.equal(await difference(), undefined);
});

const bundleOf = (...matches: readonly string[]): string =>
  matches.map((match) => `add cookie=0x77,priority=5,${match},actions=drop\n`).join("");

test("a flow that is deleted as soon as the bundle is in is written again", async () => {
  const deleting = ["ovs-ofctl", "-OOpenFlow14", "--strict", "del-flows", socket, "priority=5,ip"] as const;
  let isFirst = true;
  const meddled: Run = async (argv, options) => {
    const said = await run(argv, options);
    if (isFirst) await run(deleting);
    isFirst = false;
    return said;
  };
  const { difference } = await writeFlows(meddled, own(), bundleOf("ip", "ip,nw_proto=6", "ip"));
  assert.equal(await difference(), undefined);
  await run(deleting);
  assert.equal(await difference(), "br-ex does not have just the agent's 2 flows");
});

test("two texts that Open vSwitch takes for one flow are no difference for ever", async () => {
  const { difference } = await writeFlows(run, own(), bundleOf("ip", "ip,nw_src=0.0.0.0/0", "ipv6"));
  assert.equal(await difference(), undefined);
});

test("while the flows for Services are refused that is said, once, and they are written as soon as they can be", async () => {
  const services = emptyStore("Service");
  const pods = emptyStore("Pod");
  const floatings = emptyStore("FloatingAddress");
  const balancer = serviceOf(
    {
      metadata: { namespace: "shop", name: "web", uid: "u", resourceVersion: "1" },
      spec: { type: "LoadBalancer", clusterIP: "10.96.0.7", ports: [{ port: 80, nodePort: 30_080 }] },
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.7" }] } },
    },
    new Interner(),
  );
  services.apply([{ type: "put", object: balancer ?? assert.fail() }]);
  for (const store of [services, pods, floatings]) store.note({ synced: true });
  const lines: string[] = [];
  const outcomes: (ConditionText | undefined)[] = [];
  const writer = new PortWriter({
    ...{ nodeName: "n1", services, pods, floatings, run },
    forget: () => Promise.resolve(),
    ledBefore: { udp: undefined, keepUdp: () => Promise.resolve() },
    outcome: (problem) => outcomes.push(problem),
    log: (level, message) => lines.push(`${level} ${message}`),
  });
  const bridge = { socket, mac: "0a:58:00:00:00:01", uplinks: [1], out: "output:1", patch: 2, shared: [] };
  const host = parseIp("172.30.0.11") ?? assert.fail();
  await full();
  const ending = new AbortController();
  const running = writer.run(ending.signal);
  writer.set({ hosts: [host], masquerade: undefined, subnets: [], loopback: undefined, bridge });
  await until("the refusal is told", () => outcomes.length > 0);
  assert.equal(outcomes[0]?.reason, "PortsNotWritten");
  assert.match(outcomes[0]?.message ?? "", /could not be written: ovs-ofctl .*TABLE_FULL/);
  assert.doesNotMatch(await flows(), /203\.0\.113\.7/);
  await roomy();
  await until("the flows are written", () => outcomes.length > 1);
  assert.match(await flows(), new RegExp(`cookie=${wayInCookie}.*203\\.0\\.113\\.7`));
  assert.deepEqual(outcomes.slice(1), [undefined]);
  assert.deepEqual(
    lines.map((line) => line.split(" ")[0]),
    ["warn", "info"],
  );
  ending.abort();
  await running;
});
