// What the planned rows mean to OVN: the golden case three-nodes in a real northbound database, turned into logical
// flows by a real ovn-northd. ovn-trace then shows where packets go.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parseIp } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { Session } from "../../src/ovsdb/index.ts";
import { plannedCase } from "../golden/plannedCase.ts";
import { factTransaction } from "../real/factTransaction.ts";
import { type OvnCentral, startOvnCentral } from "../real/ovnCentral.ts";

const routers = { n1: "10.244.0.1", n2: "10.244.1.1" } as const;

/** A port by which packets enter, with the addresses that it may send from. */
interface Sender {
  readonly port: string;
  readonly node: keyof typeof routers;
  readonly ip4: string;
  readonly ip6: string;
}

const client: Sender = { port: "demo_pod_shop_client", node: "n1", ip4: "10.244.0.4", ip6: "fd00:10:244::4" };
const remote: Sender = {
  port: "demo_pod_shop_web-2",
  node: "n2",
  ip4: "10.244.1.3",
  ip6: "fd00:10:244:1::3",
};
const host: Sender = { port: "demo_mgmt_n1", node: "n1", ip4: "10.244.0.2", ip6: "fd00:10:244::2" };
const bound = {
  demo_pod_shop_client: 1,
  "demo_pod_shop_web-1": 1,
  "demo_pod_shop_web-2": 2,
  "demo_pod_lab_web-1": 3,
  demo_mgmt_n1: 1,
  demo_mgmt_n2: 2,
  demo_mgmt_n3: 3,
};
/**
 * The neighbours outside a node, namely the next hop and the other nodes, which its gateway router would learn by ARP
 * and ND.
 */
const neighbours = {
  "172.30.0.1": "02:00:00:00:00:01",
  "fd00:172:30::1": "02:00:00:00:00:01",
  "172.30.0.11": "02:00:00:00:00:11",
  "fd00:172:30::11": "02:00:00:00:00:11",
  "172.30.0.12": "02:00:00:00:00:12",
  "fd00:172:30::12": "02:00:00:00:00:12",
};

let central: OvnCentral;

before(async () => {
  central = await startOvnCentral();
  const { plans } = await plannedCase(new URL("../golden/cases/three-nodes.yaml", import.meta.url));
  for (const n of [1, 2, 3]) await central.sbctl("chassis-add", `chassis-${n}`, "geneve", `172.30.0.1${n}`);
  await using session = new Session({ remotes: [central.northbound.remote], database: "OVN_Northbound" });
  session.start();
  await session.connected();
  await session.transact(factTransaction([...plans.values()].flat()));
  await central.caughtUp();
  // Does what ovn-controller would do: claims the ports, and learns the neighbours outside.
  for (const [port, n] of Object.entries(bound)) {
    await central.sbctl("lsp-bind", port, `chassis-${n}`);
    await central.sbctl(
      "set",
      "Port_Binding",
      await uuidOf("Port_Binding", `logical_port=${port}`),
      "up=true",
    );
  }
  for (const node of ["n1", "n2"]) {
    const gateway = await uuidOf("Datapath_Binding", `external_ids:name=demo_gateway_${node}`);
    for (const [ip, mac] of Object.entries(neighbours)) {
      const binding = [`logical_port=demo_gtoe_${node}`, `ip="${ip}"`, `mac="${mac}"`, `datapath=${gateway}`];
      await central.sbctl("create", "MAC_Binding", ...binding);
    }
  }
  await central.caughtUp();
});

after(() => central[Symbol.asyncDispose]());

const uuidOf = async (table: string, condition: string): Promise<string> =>
  (await central.sbctl("--bare", "--columns=_uuid", "find", table, condition)).trim();

/** What happens to a TCP packet that `from` sends to its router, as ovn-trace's minimal output. */
function sent(from: Sender, to: string, { port = 80, first = false, forged = {} } = {}): Promise<string> {
  const v6 = to.includes(":");
  const sender = { ...from, mac: macOfText(from.ip4), ...forged };
  const packet = [
    `inport == "${from.port}" && eth.src == ${sender.mac} && eth.dst == ${macOfText(routers[from.node])}`,
    v6 ? `ip6.src == ${sender.ip6} && ip6.dst == ${to}` : `ip4.src == ${sender.ip4} && ip4.dst == ${to}`,
    `ip.ttl == 64 && tcp && tcp.src == 40000 && tcp.dst == ${port}`,
  ];
  // The first packet of a connection is new to the sender's connection tracking. The others are established.
  const options = first ? ["--minimal", "--ct=new"] : ["--minimal"];
  return central.trace(`demo_switch_${from.node}`, packet.join(" && "), ...options);
}

function macOfText(text: string): string {
  const ip = parseIp(text);
  assert.ok(ip, text);
  return macOf(ip);
}

const outputs = (trace: string): readonly string[] =>
  [...trace.matchAll(/output\("([^"]+)"\)/g)].map(([, port]) => port ?? "");

/** Runs the body for both families. */
function inBothFamilies(name: string, ip4: string, ip6: string, body: (to: string) => Promise<void>): void {
  for (const to of [ip4, ip6]) test(`${name} (${to})`, () => body(to));
}

test("northd finds nothing wrong with the rows", async () => {
  assert.deepEqual(await central.complaints(), []);
});

test("each gateway router is bound to its own node", async () => {
  for (const n of [1, 2, 3]) {
    const options = await central.sbctl(
      "--bare",
      "--columns=options",
      "find",
      "Port_Binding",
      `logical_port=demo_gtoe_n${n}`,
    );
    assert.match(options, new RegExp(`l3gateway-chassis=chassis-${n}\\b`));
  }
});

inBothFamilies("a pod reaches a pod of another node", "10.244.1.3", "fd00:10:244:1::3", async (to) => {
  assert.deepEqual(outputs(await sent(client, to)), ["demo_pod_shop_web-2"]);
});

inBothFamilies("a node reaches a pod of another node", "10.244.1.3", "fd00:10:244:1::3", async (to) => {
  assert.deepEqual(outputs(await sent(host, to)), ["demo_pod_shop_web-2"]);
});

inBothFamilies(
  "a pod's answer reaches the other node's management port",
  "10.244.1.2",
  "fd00:10:244:1::2",
  async (to) => {
    assert.deepEqual(outputs(await sent(client, to)), ["demo_mgmt_n2"]);
  },
);

inBothFamilies("a pod reaches the outside as its node", "192.0.2.7", "2001:db8::7", async (to) => {
  const trace = await sent(client, to);
  assert.deepEqual(outputs(trace), ["demo_localnet_n1"]);
  assert.match(trace, /ct_snat\(ip[46].src=(172\.30\.0\.11|fd00:172:30::11)\)/);
  assert.match(trace, /eth.dst = 02:00:00:00:00:01;/);
});

inBothFamilies(
  "a pod reaches another node through its own gateway",
  "172.30.0.12",
  "fd00:172:30::12",
  async (to) => {
    const trace = await sent(client, to);
    assert.deepEqual(outputs(trace), ["demo_localnet_n1"]);
    assert.match(trace, /ct_snat\(ip[46].src=(172\.30\.0\.11|fd00:172:30::11)\)/);
    assert.match(trace, /eth.dst = 02:00:00:00:00:12;/);
  },
);

inBothFamilies(
  "a pod reaches its own node by the management port",
  "172.30.0.11",
  "fd00:172:30::11",
  async (to) => {
    const trace = await sent(client, to);
    assert.deepEqual(outputs(trace), ["demo_mgmt_n1"]);
    assert.doesNotMatch(trace, /ct_snat/);
  },
);

for (const [who, from] of Object.entries({ pod: client, node: host })) {
  inBothFamilies(
    `a ${who} reaches the endpoints of a Service`,
    "10.96.0.10",
    "fd00:10:96::10",
    async (to) => {
      const first = await sent(from, to, { first: true });
      assert.match(outputs(first).join(), /^demo_pod_shop_web-[12]$/);
    },
  );

  inBothFamilies(
    `a ${who} is refused by a Service without endpoints`,
    "10.96.0.12",
    "fd00:10:96::12",
    async (to) => {
      const trace = await sent(from, to, { first: true });
      assert.match(trace, /tcp_reset/);
      assert.deepEqual(outputs(trace), [from.port]);
    },
  );

  inBothFamilies(`a ${who} reaches a Service on its own node`, "10.96.0.1", "fd00:10:96::1", async (to) => {
    assert.deepEqual(outputs(await sent(from, to, { first: true, port: 443 })), ["demo_mgmt_n1"]);
  });

  inBothFamilies(
    `nothing that a ${who} sends to a Service leaves the cluster`,
    "10.96.7.7",
    "fd00:10:96::77",
    async (to) => {
      assert.deepEqual(outputs(await sent(from, to)), []);
    },
  );
}

inBothFamilies("a pod reaches itself through its Service", "10.96.0.11", "fd00:10:96::11", async (to) => {
  assert.deepEqual(outputs(await sent(client, to, { first: true })), [client.port]);
});

inBothFamilies(
  "a Service on a node is reached from other nodes by the node's management port",
  "10.96.0.1",
  "fd00:10:96::1",
  async (to) => {
    const trace = await sent(remote, to, { first: true, port: 443 });
    assert.deepEqual(outputs(trace), ["demo_mgmt_n1"]);
  },
);

// ovn-trace(8) does not go on behind the `ct_snat` of a gateway router, so its flows have to tell.
test("a port that keeps the client is balanced on each gateway router over its own node's endpoints, without a change of the source", async () => {
  const found = async (node: string): Promise<readonly string[]> => {
    const flows = await central.sbctl("lflow-list", `demo_gateway_${node}`);
    return flows.split("\n").flatMap((flow) => {
      const [, dst, action] =
        /lr_in_dnat .*ip[46]\.dst == (\S+) .*tcp\.dst == 30080.*action=\((.*)\)/.exec(flow) ?? [];
      assert.doesNotMatch(action ?? "", /force_snat/);
      const [, backends] = /backends=([^;)]+)/.exec(action ?? "") ?? [];
      return dst?.includes("172.30.0") || dst?.includes("172:30") ? [`${dst} ▶ ${backends}`] : [];
    });
  };
  assert.deepEqual((await found("n1")).toSorted(), [
    "172.30.0.11 ▶ 10.244.0.3:8080",
    "fd00:172:30::11 ▶ [fd00:10:244::3]:8080",
  ]);
  assert.deepEqual((await found("n2")).toSorted(), [
    "172.30.0.12 ▶ 10.244.1.3:8080",
    "fd00:172:30::12 ▶ [fd00:10:244:1::3]:8080",
  ]);
  assert.deepEqual(await found("n3"), []);
});

inBothFamilies(
  "a pod reaches a port of its own node past the kernel",
  "172.30.0.11",
  "fd00:172:30::11",
  async (to) => {
    const trace = await sent(client, to, { first: true, port: 30_080 });
    assert.deepEqual(outputs(trace), ["demo_pod_shop_web-1"]);
  },
);

test("session affinity is in the flows of every node's switch", async () => {
  for (const node of ["n1", "n2", "n3"]) {
    const flows = await central.sbctl("lflow-list", `demo_switch_${node}`);
    assert.match(flows, /ls_in_lb_aff_learn.*commit_lb_aff\(vip = "10\.96\.0\.13:80".*timeout = 10800\)/);
  }
});

const forgeries = {
  "another pod's MAC": { mac: macOfText("10.244.0.3") },
  "another pod's addresses": { ip4: "10.244.0.3", ip6: "fd00:10:244::3" },
};
for (const [what, forged] of Object.entries(forgeries)) {
  inBothFamilies(`a pod cannot send from ${what}`, "10.244.1.3", "fd00:10:244:1::3", async (to) => {
    assert.deepEqual(outputs(await sent(client, to, { forged })), []);
  });
}

test("a node's switch answers for its ports and its router", async () => {
  for (const [target, mac] of [
    ["10.244.0.1", macOfText("10.244.0.1")],
    ["10.244.0.2", macOfText("10.244.0.2")],
  ]) {
    const mine = macOfText(client.ip4);
    const request = `inport == "${client.port}" && eth.src == ${mine} && eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 && arp.sha == ${mine} && arp.spa == ${client.ip4} && arp.tpa == ${target}`;
    const trace = await central.trace("demo_switch_n1", request, "--minimal");
    assert.match(trace, new RegExp(`arp.sha = ${mac};`));
    assert.deepEqual(outputs(trace), [client.port]);
  }
});
