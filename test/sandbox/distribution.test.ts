// trafficDistribution: endpoints near the client. n1 is in the zone north, n2 in south, n3 in none until a test puts it into one.
// In underlay mode the machines' own processes are on a switch of the tenant that is in no zone, so they have all endpoints.

import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, type Question } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";

const ns = "near";
const both = ["web-n1", "web-n2"];
const clients = ["n1", "n2", "n3"].map((node) => `${ns}/client-${node}`);
const ports = (["TCP", "UDP"] as const).map((protocol) => ({
  ...{ name: protocol.toLowerCase(), protocol, port: 80, targetPort: 8080 },
}));

suite("endpoints near the client", suiteLimit, () => {
  let cluster: Cluster;

  const web = (node: string) =>
    pod({ namespace: ns, name: `web-${node}`, node, labels: { app: "web" }, readiness: ["true"] });
  const expose = async (name: string, spec: object): Promise<readonly string[]> => {
    await cluster.apply(service({ namespace: ns, name, spec: { selector: { app: "web" }, ports, ...spec } }));
    return await cluster.clusterIpsOf(ns, name);
  };
  const putInto = (node: string, zone: string) =>
    cluster.kubectl("label", "node", node, "--overwrite", `topology.kubernetes.io/zone${zone && `=${zone}`}`);
  const asks = (address: string, way: Question["way"] = "tcp"): Question => ({ way, address, port: 80 });
  /** What the clients on n1, n2 and n3 get. */
  const reach = async (
    what: string,
    addresses: readonly string[],
    wanted: readonly (readonly string[])[],
    from: readonly string[] = clients,
  ): Promise<void> => {
    await Promise.all(
      from.map(async (client, index) => {
        for (const [family, address] of addresses.entries()) {
          const way = family === 0 ? "tcp" : "udp";
          await becomes(`${what}: ${client} ▶ ${way} ${address}`, wanted[index] ?? [], () =>
            cluster.answering(client, asks(address, way)),
          );
        }
      }),
    );
  };
  const isOverlay = (): boolean => cluster.sandbox.layout.mode === "overlay";

  before(async () => {
    cluster = await Cluster.up({ name: "testnear" });
    await putInto("n1", "north");
    await putInto("n2", "south");
    await cluster.apply(
      namespace(ns),
      ...["n1", "n2"].map(web),
      ...["n1", "n2", "n3"].map((node) => pod({ namespace: ns, name: `client-${node}`, node })),
    );
    await cluster.podsReady(ns);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("PreferSameZone leads to the client's zone, and from no zone everywhere", async () => {
    const addresses = await expose("zones", { trafficDistribution: "PreferSameZone" });
    await reach("pods", addresses, [["web-n1"], ["web-n2"], both]);
    const nodes = isOverlay() ? [["web-n1"], ["web-n2"], both] : [both, both, both];
    await reach("nodes", addresses, nodes, ["n1", "n2", "n3"]);
  });

  test("a node port leads to the zone of the node that is asked", async () => {
    await expose("port", {
      ...{ type: "NodePort", trafficDistribution: "PreferClose" },
      ports: ports.map((port) => ({ ...port, nodePort: 30_090 })),
    });
    const [v4 = ""] = cluster.hostAddresses("n2");
    const wanted = isOverlay() ? ["web-n2"] : both;
    await becomes(`${cluster.beyond} ▶ n2`, wanted, () =>
      cluster.answering(cluster.beyond, { way: "tcp", address: v4, port: 30_090 }),
    );
  });

  test("PreferSameNode leads to the client's node, else to its zone", async () => {
    const addresses = await expose("nodes", { trafficDistribution: "PreferSameNode" });
    await reach("no zone", addresses, [["web-n1"], ["web-n2"], both]);
    await putInto("n3", "south");
    await reach("south", addresses, [["web-n1"], ["web-n2"], ["web-n2"]]);
  });

  test("a node that moves to another zone, and endpoints that go, are followed", async () => {
    const addresses = await cluster.clusterIpsOf(ns, "zones");
    await putInto("n3", "north");
    await reach("north", addresses, [["web-n1"], ["web-n2"], ["web-n1"]]);
    await cluster.kubectl("delete", "pod", "-n", ns, "web-n1");
    await reach("nobody is left in north", addresses, [["web-n2"], ["web-n2"], ["web-n2"]]);
    await cluster.apply(web("n1"));
    await reach("north is back", addresses, [["web-n1"], ["web-n2"], ["web-n1"]]);
    await cluster.kubectl("label", "node", "n3", "topology.kubernetes.io/zone-");
    await reach("no zone again", addresses, [["web-n1"], ["web-n2"], both]);
  });

  test("hints come and go with the wish, and balancers with their Service", async () => {
    const addresses = await expose("late", {});
    await reach("no wish", addresses, [both, both, both]);
    await expose("late", { trafficDistribution: "PreferSameNode" });
    await reach("a wish", addresses, [["web-n1"], ["web-n2"], both]);
    await expose("late", { trafficDistribution: null });
    await reach("none again", addresses, [both, both, both]);
    await cluster.kubectl("delete", "service", "-n", ns, "--all");
    await becomes("no balancer is left", [], async () =>
      (await cluster.rows("Load_Balancer", "name")).filter((name) => name.includes(`_${ns}_`)),
    );
  });
});
