// What the agent has set up on a node, taken away or changed by somebody else: links, addresses, routes, rules, settings,
// flows, and what ovn-controller reads. The agent puts it back without being told by the API server, and says what it
// cannot keep.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bridgeCookie } from "../../src/node/host/bridgeFlows.ts";
import { privateName } from "../real/privateName.ts";
import { buildWorld, type World } from "./agentWorld.ts";
import { buildPlugin } from "./poolWorld.ts";

const stack = new AsyncDisposableStack();
let world: World;
/** n2's. */
let agent: ReturnType<World["startAgent"]>;

before(async () => {
  world = stack.use(await buildWorld(privateName("wiring"), buildPlugin(stack)));
  world.startAgent(0);
  agent = world.startAgent(1);
  await Promise.all([world.admitNode(0), world.admitNode(1)]);
  await Promise.all([world.ready(0), world.ready(1)]);
});
after(() => stack.disposeAsync());

const n2 = () => world.sandbox.host("n2");
const on = async (...argv: readonly string[]): Promise<string> => (await n2().tryExec(argv)).stdout;
const sh = (script: string): Promise<string> => n2().exec(["sh", "-ec", script]);

const eventually = async (holds: () => Promise<boolean>, what: string): Promise<void> => {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) assert.fail(`never: ${what}\n${world.log.slice(-20).join("")}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

/** The other node's end of its switch, and one outside, which n2 reaches by what the agent has made. */
const others = ["10.244.0.2", "fd00:10:244::2", "172.30.0.11", "fd00:172:30::11"];
const reachesOthers = async (): Promise<boolean> => {
  const pings = others.map((to) => n2().tryExec(["ping", "-c1", "-W2", to]));
  return (await Promise.all(pings)).every(({ status }) => status === 0);
};

const external = (key: string) => [
  "ovs-vsctl",
  "--if-exists",
  "get",
  "Open_vSwitch",
  ".",
  `external_ids:${key}`,
];

/** Each in turn: what somebody does on the node, and what shows that the agent has put it back. */
const mutations: readonly (readonly [change: string, shown: readonly string[]])[] = [
  ["ip link set weft0 down", ["ip", "-o", "link", "show", "up", "dev", "weft0"]],
  ["ip address flush dev weft0", ["ip", "-o", "address", "show", "dev", "weft0", "scope", "global"]],
  ["ip -4 route del 10.244.0.0/16", ["ip", "-4", "route", "show", "10.244.0.0/16"]],
  ["ip -6 route del fd00:10:96::/112", ["ip", "-6", "route", "show", "fd00:10:96::/112"]],
  ["ip link set weft0 mtu 600", ["sh", "-c", "ip -o link show dev weft0 | grep -o 'mtu [0-9]*'"]],
  ["ovs-vsctl set open . external_ids:ovn-encap-ip=172.30.0.99", external("ovn-encap-ip")],
  ["ovs-vsctl set open . external_ids:ovn-encap-type=vxlan", external("ovn-encap-type")],
  ["ovs-vsctl set open . external_ids:ovn-remote=tcp:172.30.0.9:6642", external("ovn-remote")],
  ["ovs-vsctl remove open . external_ids ovn-bridge-mappings", external("ovn-bridge-mappings")],
  [
    "ovs-vsctl set interface weft0 external_ids:iface-id=other",
    ["ovs-vsctl", "get", "interface", "weft0", "external_ids:iface-id"],
  ],
  ["ovs-vsctl set bridge br-int fail_mode=standalone", ["ovs-vsctl", "get", "bridge", "br-int", "fail_mode"]],
  ["nft flush table inet weft", ["nft", "list", "table", "inet", "weft"]],
  ["nft delete table inet weft_way_in", ["nft", "list", "table", "inet", "weft_way_in"]],
  ["echo 0 > /proc/sys/net/ipv4/ip_forward", ["cat", "/proc/sys/net/ipv4/ip_forward"]],
  ["echo 1 > /proc/sys/net/ipv4/conf/weft0/rp_filter", ["cat", "/proc/sys/net/ipv4/conf/weft0/rp_filter"]],
];

for (const [change, shown] of mutations) {
  test(`after \`${change}\` the node has back what it had, and reaches the others`, async () => {
    await eventually(reachesOthers, "the node reaches the others at first");
    const wanted = await on(...shown);
    assert.notEqual(wanted.trim(), "");
    await sh(change);
    await eventually(async () => (await on(...shown)) === wanted, `${shown.join(" ")} says again ${wanted}`);
    await eventually(reachesOthers, "the node reaches the others");
  });
}

const readyz = async (): Promise<string> => on("curl", "-s", "http://127.0.0.1:9410/readyz");

const condition = async (type: string): Promise<string> => {
  const all = await world.conditions(1);
  return JSON.stringify((Array.isArray(all) ? all : []).filter((each) => each.type === type));
};

const deleteExternal = () => `ovs-ofctl del-flows unix:${world.optionsOf(1).ovsRunDirectory}/br-ex.mgmt`;

test("flows of the external bridge that are deleted come back while the API server is away", async () => {
  const thaw = world.freezeApi();
  try {
    await sh(deleteExternal());
    await eventually(reachesOthers, "the node reaches the others");
  } finally {
    thaw();
  }
  await world.ready(1);
});

test("what is taken away comes back while the node has news for an API server that does not answer", async () => {
  const ports = [{ port: 80, protocol: "TCP", nodePort: 30_080 }];
  await world.api("PUT", "/api/v1/services", {
    metadata: { namespace: "default", name: "web", uid: "web" },
    spec: { type: "NodePort", clusterIP: "10.96.0.80", clusterIPs: ["10.96.0.80"], ports },
  });
  const leads = async (from: string): Promise<boolean> =>
    (await on("nft", "list", "table", "inet", "weft_way_in")).includes(from);
  await eventually(() => leads("30080"), "the node's port leads to the Service");
  const thaw = world.freezeApi();
  try {
    await sh("ip address add 172.30.0.77/24 dev br-ex");
    await eventually(() => leads("172.30.0.77"), "it does so at the new address");
    await sh("nft delete table inet weft_way_in; ip link set weft0 down");
    await sh(deleteExternal());
    await eventually(() => leads("172.30.0.77"), "it does so again");
    await eventually(reachesOthers, "the node reaches the others");
  } finally {
    thaw();
  }
  await world.nodeWith(1, ({ annotations }) => JSON.stringify(annotations).includes("172.30.0.77"));
  await sh("ip address delete 172.30.0.77/24 dev br-ex");
  await world.ready(1);
});

const restartAgentAfter = async (script: string): Promise<void> => {
  agent.kill("SIGKILL");
  await once(agent, "exit");
  await sh(script);
  agent = world.startAgent(1);
};

test("an agent that starts beside a bridge without flows gets to the API server all the same", async () => {
  await restartAgentAfter(deleteExternal());
  await world.ready(1);
  await eventually(reachesOthers, "the node reaches the others");
});

test("a bridge without flows forwards again before the node has an address, since that may come through it", async () => {
  const addresses = "ip address flush dev br-ex scope global";
  await restartAgentAfter(`${deleteExternal()}; ${addresses}`);
  const flows = () => on("ovs-ofctl", "dump-flows", `unix:${world.optionsOf(1).ovsRunDirectory}/br-ex.mgmt`);
  await eventually(async () => (await flows()).includes("NORMAL"), "the bridge forwards");
  await sh("ip address add 172.30.0.12/24 dev br-ex; ip address add fd00:172:30::12/64 dev br-ex nodad");
  await sh(
    "ip -4 route add default via 172.30.0.1 dev br-ex; ip -6 route replace default via fd00:172:30::1 dev br-ex",
  );
  await world.ready(1);
  await eventually(reachesOthers, "the node reaches the others");
});

test("flows of the external bridge that vswitchd refuses are reported with the reason, and written when it takes them", async () => {
  const limit = "create Flow_Table flow_limit=1 overflow_policy=refuse";
  await sh(`ovs-vsctl --id=@full ${limit} -- set Bridge br-ex flow_tables:0=@full`);
  await sh(
    `ovs-ofctl del-flows unix:${world.optionsOf(1).ovsRunDirectory}/br-ex.mgmt cookie=${bridgeCookie}/-1`,
  );
  const said = /ovs-ofctl .*TABLE_FULL/;
  await eventually(async () => said.test(await readyz()), "/readyz tells");
  await sh("ovs-vsctl clear Bridge br-ex flow_tables");
  await world.ready(1);
  await eventually(reachesOthers, "the node reaches the others");
});

const deleteIntegration = () =>
  `ovs-ofctl -OOpenFlow14 del-flows unix:${world.optionsOf(1).ovsRunDirectory}/br-int.mgmt`;

test("ovn-controller writes flows of the integration bridge anew that somebody deletes", async () => {
  await eventually(reachesOthers, "the node reaches the others at first");
  await sh(deleteIntegration());
  await eventually(reachesOthers, "the node reaches the others");
});

test("an integration bridge that stays without flows is reported", async () => {
  const enough = join(world.sandbox.layout.state, "enough");
  const again = `for i in $(seq 1 400); do [ ! -e ${enough} ] || break; ${deleteIntegration()}; sleep 0.2; done`;
  await sh(`(${again}) > /dev/null 2>&1 &`);
  const said = /br-int has none of ovn-controller's flows/;
  await eventually(async () => said.test(await readyz()), "/readyz tells");
  await eventually(
    async () => (await condition("NetworkUnavailable")).includes("FlowsMissing"),
    "the Node tells",
  );
  await writeFile(enough, "");
  await world.ready(1);
  await eventually(reachesOthers, "the node reaches the others");
});

const losses = [
  {
    reason: "AddressLost",
    take: "ip -6 address del fd00:172:30::12/64 dev br-ex",
    give: "ip -6 address add fd00:172:30::12/64 dev br-ex nodad",
    message:
      "br-ex has no IPv6 address any more (it was fd00:172:30::12/64): pods do not reach the outside over IPv6",
  },
  {
    reason: "DefaultRouteLost",
    take: "ip -4 route del default",
    give: "ip -4 route add default via 172.30.0.1 dev br-ex",
    message:
      "there is no IPv4 default route through br-ex any more (it was 172.30.0.1): pods reach only the network of br-ex over IPv4",
  },
];
for (const { reason, take, give, message } of losses)
  test(`${reason}: a node that has lost a part of its way out says so on its Node until it is back`, async () => {
    await sh(take);
    await eventually(async () => {
      const said = await condition("NetworkDegraded");
      return said.includes(message) && said.includes(reason) && said.includes('"True"');
    }, message);
    assert.ok(world.log.some((line) => line.includes(message)));
    await sh(give);
    await eventually(async () => (await condition("NetworkDegraded")).includes('"False"'), "nothing is lost");
    await world.ready(1);
  });

test("somebody who changes it again and again is reported", async () => {
  const fight = `for i in $(seq 1 30); do ip link set weft0 down; sleep 1; done`;
  await sh(`(${fight}) > /dev/null 2>&1 &`);
  const said = /another program keeps changing what the agent sets on this node: weft0 is down/;
  await eventually(async () => said.test(await readyz()), "/readyz tells");
});
