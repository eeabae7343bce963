// Addresses of Services from outside: of a balancer, from a pool, and external IPs. The outside host is the router here: it
// sends their packets to whichever node it has a route to. In the cluster they lead to all endpoints without leaving it.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";
import { talkUdp } from "./talk.ts";

const ns = "front";
const both = ["web-n1", "web-n2"];
const ports = (["TCP", "UDP"] as const).map((protocol) => ({
  ...{ name: protocol.toLowerCase(), protocol, port: 80, targetPort: 8080 },
}));

suite("addresses from outside", suiteLimit, () => {
  let cluster: Cluster;

  const pool = (name: string, addresses: readonly string[], more: object = {}): object => ({
    ...{ apiVersion: "weft.io/v1alpha1", kind: "IPAddressPool", metadata: { name } },
    spec: { addresses, ...more },
  });
  const expose = (name: string, spec: object) =>
    cluster.apply(service({ namespace: ns, name, spec: { selector: { app: "web" }, ports, ...spec } }));
  const drop = (name: string) => cluster.kubectl("delete", "service", "-n", ns, name);
  const ingressOf = async (name: string): Promise<readonly string[]> =>
    (await cluster.field("service", ns, name, "{.status.loadBalancer.ingress[*].ip}"))
      .split(" ")
      .filter(Boolean);
  const given = (name: string, families = 2): Promise<readonly string[]> =>
    eventually(`${name} has ${families} addresses`, async () => {
      const ips = await ingressOf(name);
      return ips.length === families && ips;
    });
  const asks = (address: string, way: Question["way"] = "tcp", port = 80): Question => ({
    way,
    address,
    port,
  });
  /** The router outside sends packets for the address to the node. */
  const route = async (address: string, node: string): Promise<void> => {
    const [v4 = "", v6 = ""] = cluster.hostAddresses(node);
    const via = address.includes(":") ? v6 : v4;
    await cluster.sandbox.host("outside").exec(["ip", "route", "replace", address, "via", via]);
  };
  /** Who answers, and whom it sees. */
  const heard = async (from: string, question: Question): Promise<string> => {
    const [result] = await cluster.ask(from, [question]);
    const [by, , source] = (result?.words ?? "").split(" ");
    return result?.ok ? `${by} sees ${source}` : "silence";
  };
  const eventsOf = (name: string): Promise<string> =>
    cluster.kubectl("get", "events", "-n", ns, `--field-selector=involvedObject.name=${name}`);

  /** Whether the external bridge has dropped packets for the address that OVN sent back. */
  const isKeptBack = async (node: string, ip: string): Promise<boolean> => {
    const flows = await cluster.sandbox
      .host(node)
      .exec(["ovs-ofctl", "dump-flows", "br-ex", "cookie=0x7765667477696e/-1"]);
    return flows
      .split("\n")
      .some((line) => line.includes(`_dst=${ip} actions=drop`) && !line.includes("n_packets=0,"));
  };

  before(async () => {
    cluster = await Cluster.up({ name: "testouter", mode: "overlay" });
    // A router: where a node would send what comes for an address that no Service has yet is nothing to it.
    const ignored = ["ipv4.conf.all", "ipv4.conf.eth0", "ipv6.conf.eth0"].map(
      (where) => `net.${where}.accept_redirects=0`,
    );
    await cluster.sandbox.host("outside").exec(["sysctl", "-qw", ...ignored]);
    await cluster.apply(
      namespace(ns),
      pool("front", ["198.51.100.10-198.51.100.20", "2001:db8:51::10-2001:db8:51::20"]),
      ...["n1", "n2"].map((node) =>
        pod({ namespace: ns, name: `web-${node}`, node, labels: { app: "web" } }),
      ),
      ...["n1", "n3"].map((node) => pod({ namespace: ns, name: `client-${node}`, node })),
    );
    await cluster.podsReady(ns);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("a balancer gets an address of each family, and all endpoints answer there, whoever asks at whichever node", async () => {
    await expose("any", { type: "LoadBalancer", allocateLoadBalancerNodePorts: false });
    const ips = await given("any");
    assert.equal(await cluster.field("service", ns, "any", "{.spec.ports[*].nodePort}"), "");
    for (const ip of ips)
      for (const way of ["tcp", "udp"] as const) {
        for (const node of ["n1", "n3"]) {
          await route(ip, node);
          await becomes(`outside ▶ ${way} ${ip} by ${node}`, both, () =>
            cluster.answering("outside", asks(ip, way)),
          );
        }
        for (const client of ["n1", "n3", `${ns}/client-n1`, `${ns}/client-n3`, `${ns}/web-n1`])
          await becomes(`${client} ▶ ${way} ${ip}`, both, () => cluster.answering(client, asks(ip, way)));
      }
  });

  test("a pod is seen as itself, and the outside as the node that it came by", async () => {
    const [v4 = ""] = await given("any");
    const [client = ""] = await cluster.addressesOf(ns, "client-n3");
    assert.match(await heard(`${ns}/client-n3`, asks(v4)), new RegExp(` sees ${client}$`));
    await route(v4, "n3");
    assert.match(await heard("outside", asks(v4)), / sees 10\.244\.\d+\.2$/);
  });

  test("what is sent to another port of the address is not sent on by the node that it comes to", async () => {
    const [v4 = ""] = await given("any");
    await route(v4, "n3");
    const n3 = cluster.sandbox.host("n3");
    await n3.exec([
      "nft",
      `add table inet seen; add chain inet seen out { type filter hook postrouting priority 300 ; }; add rule inet seen out ip daddr ${v4} counter`,
    ]);
    for (const from of ["outside", `${ns}/client-n3`])
      for (const way of ["tcp", "udp"] as const)
        assert.equal(await heard(from, asks(v4, way, 81)), "silence");
    assert.match(await n3.exec(["nft", "list", "table", "inet", "seen"]), /counter packets 0 /);
    await n3.exec(["nft", "delete", "table", "inet", "seen"]);
  });

  test("with Local only a node with endpoints answers the outside, and its pod sees the client itself", async () => {
    await expose("kept", {
      ...{ type: "LoadBalancer", externalTrafficPolicy: "Local", allocateLoadBalancerNodePorts: false },
    });
    const ips = await given("kept");
    for (const [family, ip] of ips.entries()) {
      const client = cluster.hostAddresses("outside")[family];
      for (const way of ["tcp", "udp"] as const) {
        for (const node of ["n1", "n2"]) {
          await route(ip, node);
          await becomes(`outside ▶ ${way} ${ip} by ${node}`, `web-${node} sees ${client}`, () =>
            heard("outside", asks(ip, way)),
          );
        }
        await route(ip, "n3");
        await becomes(`nobody at n3 for ${way}`, "silence", () => heard("outside", asks(ip, way)));
        await becomes("and the gateway router's packets stay there", true, () => isKeptBack("n3", ip));
        for (const from of ["n3", `${ns}/client-n3`])
          await becomes(`${from}, which is inside, reaches all by ${way}`, both, () =>
            cluster.answering(from, asks(ip, way)),
          );
      }
    }
    await drop("kept");
    await becomes("no balancer of a router is left", [], async () =>
      (await cluster.rows("Load_Balancer", "name")).filter((name) => name.includes("_kept_")),
    );
  });

  test("each node tells a balancer outside whether it has endpoints", async () => {
    await expose("checked", { type: "LoadBalancer", externalTrafficPolicy: "Local" });
    await given("checked");
    const port = await cluster.field("service", ns, "checked", "{.spec.healthCheckNodePort}");
    const answer = async (node: string, family: 0 | 1 = 0): Promise<string> => {
      const address = cluster.hostAddresses(node)[family] ?? "";
      const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;
      const { stdout } = await cluster.sandbox
        .host("outside")
        .tryExec(["curl", "-s", "-m", "5", "-w", " %{http_code}", url]);
      return stdout.replace(/\s/g, "");
    };
    const body = (count: number): string =>
      `{"service":{"namespace":"${ns}","name":"checked"},"localEndpoints":${count},"serviceProxyHealthy":true}`;
    for (const family of [0, 1] as const) {
      await becomes("n1 has one", `${body(1)}200`, () => answer("n1", family));
      await becomes("n3 has none", `${body(0)}503`, () => answer("n3", family));
    }
    await cluster.apply(pod({ namespace: ns, name: "web-n3", node: "n3", labels: { app: "web" } }));
    await becomes("n3 has one", `${body(1)}200`, () => answer("n3"));
    await cluster.kubectl("delete", "pod", "-n", ns, "web-n3");
    await becomes("n3 has none again", `${body(0)}503`, () => answer("n3"));
    await drop("checked");
    await becomes("nobody answers", "000", () => answer("n1"));
  });

  for (const policy of ["Cluster", "Local"] as const)
    test(`source ranges hold for the outside, for nodes and for pods, with ${policy}`, async () => {
      const name = `guarded-${policy.toLowerCase()}`;
      const [outside = ""] = cluster.hostAddresses("outside");
      const [client = ""] = await cluster.addressesOf(ns, "client-n1");
      const guard = (...ranges: readonly string[]) =>
        expose(name, {
          type: "LoadBalancer",
          externalTrafficPolicy: policy,
          loadBalancerSourceRanges: ranges,
        });
      await guard(`${outside}/32`, `${client}/32`);
      const [v4 = ""] = await given(name);
      await route(v4, "n1");
      const answered = async (...from: readonly string[]) =>
        Promise.all(from.map(async (one) => (await heard(one, asks(v4))) !== "silence"));
      const clients = ["outside", `${ns}/client-n1`, `${ns}/client-n3`, "n1", "n2"];
      await becomes("those that are listed", [true, true, false, false, false], () => answered(...clients));
      await guard("203.0.113.0/24");
      await becomes(
        "nobody",
        clients.map(() => false),
        () => answered(...clients),
      );
      await guard();
      await becomes(
        "everybody",
        clients.map(() => true),
        () => answered(...clients),
      );
      await drop(name);
    });

  test("a UDP client that is older than the Service is served when it comes", async () => {
    const [v4, v6] = ["198.51.100.15", "2001:db8:51::15"];
    for (const ip of [v4, v6]) await route(ip, "n3");
    await using talks = new AsyncDisposableStack();
    const older = ["outside", "n3", `${ns}/client-n3`].flatMap((client, index) =>
      [v4, v6].map((ip, family) => talks.use(talkUdp(cluster, client, ip, 80, 44_000 + 2 * index + family))),
    );
    await cluster.apply({
      ...{ apiVersion: "v1", kind: "Service" },
      metadata: { namespace: ns, name: "late", annotations: { "weft.io/loadBalancerIPs": `${v4},${v6}` } },
      spec: { type: "LoadBalancer", ipFamilyPolicy: "RequireDualStack", selector: { app: "web" }, ports },
    });
    for (const talk of older) await talk.heard(/^web-n[12]$/);
    assert.deepEqual(await ingressOf("late"), [v4, v6]);
    await drop("late");
  });

  test("an external IP is served when the operator allows its range, and refused with an Event when not", async () => {
    const allowed = ["203.0.113.7", "2001:db8:203::7"];
    const [node = ""] = cluster.hostAddresses("n2");
    await expose("old", { externalIPs: [...allowed, "8.8.8.8", node] });
    for (const ip of allowed) {
      await route(ip, "n3");
      for (const client of ["outside", "n1", `${ns}/client-n3`])
        for (const way of ["tcp", "udp"] as const)
          await becomes(`${client} ▶ ${way} ${ip}`, both, () => cluster.answering(client, asks(ip, way)));
    }
    await becomes("the Event", true, async () => {
      const events = await eventsOf("old");
      return /AddressRefused.*8\.8\.8\.8 is in no range/.test(events) && events.includes(node);
    });
    assert.deepEqual(
      await cluster
        .balancer("weft_svc_front_old_tcp")
        .then((vips) => vips?.filter((vip) => vip.startsWith(node))),
      [],
    );
    await drop("old");
    await becomes("nobody answers any more", "silence", () => heard("outside", asks("203.0.113.7")));
  });

  test("an exhausted pool is told, and more addresses help at once; a smaller pool takes none away", async () => {
    await cluster.apply(pool("tiny", ["198.51.100.30/32"], { autoAssign: false }));
    const claim = (name: string) =>
      cluster.apply({
        ...{ apiVersion: "v1", kind: "Service" },
        metadata: { namespace: ns, name, annotations: { "weft.io/address-pool": "tiny" } },
        spec: { type: "LoadBalancer", selector: { app: "web" }, ports },
      });
    await claim("one");
    assert.deepEqual(await given("one", 1), ["198.51.100.30"]);
    await claim("two");
    await becomes("the Event", true, async () =>
      /NoAddress.*no IPv4 address is left in tiny/.test(await eventsOf("two")),
    );
    await cluster.apply(pool("tiny", ["198.51.100.31/32"], { autoAssign: false }));
    assert.deepEqual(await given("two", 1), ["198.51.100.31"]);
    await route("198.51.100.30", "n1");
    await becomes("the first still answers", both, () => cluster.answering("outside", asks("198.51.100.30")));
    for (const name of ["one", "two"]) await drop(name);
  });
});
