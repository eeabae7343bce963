// `weft agent --join-cidr`, from the command line to the Node: an address in the ranges that join OVN's routers is none of the
// node's, and a network of them on the node is a leftover of something else.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hostCidrsOf } from "../../src/kube/annotations.ts";
import { formatCidr } from "../../src/model/ip.ts";
import { privateName } from "../real/privateName.ts";
import { until } from "../real/until.ts";
import { buildWorld, type World } from "./agentWorld.ts";
import { buildPlugin } from "./poolWorld.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
const stack = new AsyncDisposableStack();
let world: World;

before(async () => {
  world = stack.use(await buildWorld(privateName("joins"), buildPlugin(stack)));
});
after(() => stack.disposeAsync());

/** The command of n1's agent, with these options besides the usual ones. Its output is collected. */
function weftAgent(...more: readonly string[]) {
  const options = world.optionsOf(0);
  const flags = {
    node: options.nodeName,
    cluster: options.clusterId,
    kubeconfig: options.kubeconfig,
    southbound: options.network.ovnRemote,
    vswitch: options.ovsDb,
    "ovs-rundir": options.ovsRunDirectory,
    "ovn-rundir": options.ovnRunDirectory,
    "cni-socket": options.cniSocket,
    "cni-conf-dir": options.cniConfDirectory,
    "cni-bin-dir": options.cniBinDirectory,
    "cni-plugin": options.cniPlugin,
  };
  const argv = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  const host = world.sandbox.host("n1");
  const [command = "", ...args] = host.command([process.execPath, main, "agent", ...argv, ...more]);
  const child = spawn(command, args, { env: { ...host.env } });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => printed.push(chunk.toString()));
  const said = (): string => printed.join("");
  return {
    said,
    exit: async (): Promise<unknown> => (await once(child, "exit"))[0],
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill();
      await once(child, "exit");
    },
  };
}

test("an address in the given ranges is not told as the node's, one in the usual ranges is", async () => {
  const host = world.sandbox.host("n1");
  await host.exec(["ip", "link", "add", "leftover", "type", "veth", "peer", "name", "other-end"]);
  for (const end of ["other-end", "leftover"]) await host.exec(["ip", "link", "set", end, "up"]);
  for (const address of ["100.70.9.9/24", "100.64.9.9/24", "203.0.113.9/24"])
    await host.exec(["ip", "address", "add", address, "dev", "leftover"]);
  await using agent = weftAgent("--join-cidr", "100.70.0.0/16,fd99::/64");
  await world.admitNode(0);
  const { annotations } = await world.nodeWith(0, (node) => hostCidrsOf(node).length > 0);
  const told = hostCidrsOf({ annotations }).map(formatCidr);
  assert.deepEqual(
    told.filter((address) => address.startsWith("100.") || address.startsWith("203.")),
    ["100.64.9.9/24", "203.0.113.9/24"],
  );
  const remark = "leftover has 100.70.9.9/24, inside the cluster's range 100.70.0.0/16";
  await until("the log says so", () => agent.said().includes(remark));
});

test("ranges that make no sense are refused before anything starts", async () => {
  const cases = [
    ["10.96.0.0/16,fd98::/64", /join range.*10\.96\.0\.0\/16/],
    ["100.64.0.0/16", /exactly one join range of IPv6 is needed/],
    ["100.64.0.0/24,fd98::/64", /join range 100\.64\.0\.0\/24: has no room/],
  ] as const;
  for (const [ranges, reason] of cases) {
    const agent = weftAgent("--join-cidr", ranges);
    assert.equal(await agent.exit(), 2);
    assert.match(agent.said(), reason);
  }
});
