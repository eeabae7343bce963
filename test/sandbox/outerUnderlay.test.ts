// A Service's addresses from outside in underlay mode. Pods, the nodes' processes and other machines of the tenant reach them, and
// so does whoever is beyond the tenant's router: a physical machine on the router's external network, which asks who has an address
// of that network, and sends to the router for all others.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { machineNetwork } from "../../sandbox/cloud/tenant.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";

const ns = "front";
const ports = (["TCP", "UDP"] as const).map((protocol) => ({
  ...{ name: protocol.toLowerCase(), protocol, port: 80, targetPort: 8080 },
}));
const both = ["web-n1", "web-n2"];

suite("addresses from outside in underlay mode", suiteLimit, () => {
  let cluster: Cluster;

  const pool = (name: string, addresses: readonly string[], more: object = {}): object => ({
    ...{ apiVersion: "weft.io/v1alpha1", kind: "IPAddressPool", metadata: { name } },
    spec: { addresses, ...more },
  });
  const expose = (name: string, from: string, spec: object = {}) => ({
    ...{ apiVersion: "v1", kind: "Service" },
    metadata: { namespace: ns, name, annotations: { "weft.io/address-pool": from } },
    spec: {
      ...{ type: "LoadBalancer", allocateLoadBalancerNodePorts: false },
      ...{ ipFamilyPolicy: "PreferDualStack", selector: { app: "web" }, ports, ...spec },
    },
  });
  const given = (name: string): Promise<readonly string[]> =>
    eventually(`${name} has two addresses`, async () => {
      const path = "{.status.loadBalancer.ingress[*].ip}";
      const ips = (await cluster.field("service", ns, name, path)).split(" ").filter(Boolean);
      return ips.length === 2 && ips;
    });
  const asks = (address: string, way: Question["way"] = "tcp"): Question => ({ way, address, port: 80 });
  const reaches = async (client: string, ips: readonly string[], wanted: readonly string[]) => {
    for (const ip of ips)
      for (const way of ["tcp", "udp"] as const)
        await becomes(`${client} ▶ ${ip} by ${way}`, wanted, () => cluster.answering(client, asks(ip, way)));
  };

  const hearsNothing = async (client: string, ips: readonly string[]) => {
    for (const ip of ips)
      await becomes(`${client} ▶ ${ip} is silent`, [false, false], async () =>
        (await cluster.ask(client, [asks(ip), asks(ip, "udp")], 2)).map(({ ok }) => ok),
      );
  };

  before(async () => {
    cluster = await Cluster.up({ name: "testouteru", mode: "underlay" });
    const [near4, near6] = [machineNetwork.prefix[4], machineNetwork.prefix[6]];
    await cluster.apply(
      namespace(ns),
      pool("routed", ["198.51.100.10-198.51.100.20", "2001:db8:51::10-2001:db8:51::20"]),
      pool("near", [`${near4}200-${near4}220`, `${near6}200-${near6}220`], { l2Advertisement: {} }),
      ...["n1", "n2"].map((node) =>
        pod({ namespace: ns, name: `web-${node}`, node, labels: { app: "web" } }),
      ),
      pod({ namespace: ns, name: "client", node: "n3" }),
      expose("routed", "routed"),
      expose("near", "near"),
      expose("local", "near", { externalTrafficPolicy: "Local" }),
    );
    await cluster.podsReady(ns);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("all endpoints answer pods, nodes, machines of the tenant, and a machine beyond its router", async () => {
    const ips = await given("routed");
    assert.ok(ips.every((ip) => ip.startsWith("198.51.100.") || ip.startsWith("2001:db8:51:")));
    for (const client of [`${ns}/client`, `${ns}/web-n1`, "n1", "n3", "vm", "machine"])
      await reaches(client, ips, both);
  });

  test("the tenant's router answers for addresses that are in its own network", async () => {
    for (const name of ["near", "local"]) {
      const ips = await given(name);
      assert.ok(ips.every((ip) => Object.values(machineNetwork.prefix).some((one) => ip.startsWith(one))));
      for (const client of [`${ns}/client`, "n1", "vm", "machine"]) await reaches(client, ips, both);
    }
  });

  test("the server sees the client outside, with either traffic policy", async () => {
    const [own4] = cluster.hostAddresses("machine");
    for (const name of ["routed", "near", "local"]) {
      const [ip = ""] = await given(name);
      const [result] = await cluster.ask("machine", [asks(ip)]);
      assert.equal(result?.words.split(" ")[2], own4, name);
    }
  });

  test("loadBalancerSourceRanges hold for the machine outside", async () => {
    const ips = await given("near");
    await cluster.apply(
      expose("near", "near", { loadBalancerSourceRanges: ["192.0.2.0/24", "2001:db8::/64"] }),
    );
    await hearsNothing("machine", ips);
    const own = cluster.hostAddresses("machine").map((ip) => `${ip}/${ip.includes(":") ? 128 : 32}`);
    await cluster.apply(expose("near", "near", { loadBalancerSourceRanges: own }));
    await reaches("machine", ips, both);
  });

  test("an address that is taken back answers nobody", async () => {
    const ips = await given("local");
    await cluster.kubectl("delete", "service", "-n", ns, "local");
    await hearsNothing("machine", ips);
    await becomes("no balancer is left", [], () =>
      cluster.rows("Load_Balancer", "name", `name=testouteru_answer_${ns}_local`),
    );
  });

  test("nobody is told that this is not served; of what is not, an Event and weft status tell", async () => {
    assert.doesNotMatch(await cluster.kubectl("get", "events", "-A"), /NotServed/);
    await cluster.apply(expose("kept", "near", { internalTrafficPolicy: "Local" }));
    const what = "internalTrafficPolicy: Local for a machine's own processes in underlay mode";
    await becomes("the Event", true, async () =>
      (await cluster.kubectl("get", "events", "-n", ns)).includes(what),
    );
    await becomes("the status", [{ what, objects: 1 }], async () => {
      const { stdout } = await cluster.weft("status", "-o", "json");
      const { notServed }: { readonly notServed: unknown } = JSON.parse(stdout);
      return notServed;
    });
  });
});
