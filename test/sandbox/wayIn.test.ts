// The way in: a port of a node, asked from everywhere, by every protocol and family, for both traffic policies. Each cell of
// the matrix says who answers and which client the server sees, from the API's words about externalTrafficPolicy: with
// Cluster any endpoint, and the node may put itself in the client's place; with Local only endpoints of the node that is
// asked, which see the client's own address, and nobody answers on a node that has none.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Result } from "../../sandbox/demo/paths.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";
import { talkUdp } from "./talk.ts";
import { type Cell, cellsOf, type Exposed, told, worldOf } from "./wayInCells.ts";

const ns = "way";
const pods = new Map([
  [`${ns}/web-n1`, "n1"],
  [`${ns}/web-n2`, "n2"],
  [`${ns}/client-n1`, "n1"],
  [`${ns}/client-n3`, "n3"],
]);
const web = new Map([
  ["web-n1", "n1"],
  ["web-n2", "n2"],
]);
const exposed: readonly Exposed[] = [
  { name: "any", nodePort: 30_080, isLocal: false, endpoints: web },
  { name: "here", nodePort: 30_081, isLocal: true, endpoints: web },
  { name: "host", nodePort: 30_082, isLocal: false, endpoints: new Map([["host-n2", "n2"]]) },
];
const clients = ["outside", "n1", "n3", `${ns}/client-n1`, `${ns}/client-n3`, `${ns}/web-n1`];
const udp = (address: string, port: number): Question => ({ way: "udp", address, port });
const tcp = (address: string, port = 80): Question => ({ way: "tcp", address, port });

suite("the way in", suiteLimit, () => {
  let cluster: Cluster;
  let cells: ReadonlyMap<string, readonly Cell[]>;
  let results: ReadonlyMap<string, readonly Result[]>;

  const expose = ({ name, nodePort, isLocal }: Omit<Exposed, "endpoints">) => {
    const targetPort = name === "host" ? 7070 : 8080;
    const ports = (["TCP", "UDP"] as const).map((protocol) => ({
      ...{ name: protocol.toLowerCase(), protocol, port: 80, targetPort, nodePort },
    }));
    const selector = { app: name === "host" ? "host" : "web" };
    const policy = isLocal ? { externalTrafficPolicy: "Local", internalTrafficPolicy: "Local" } : {};
    const spec = { type: "NodePort" as const, selector, ports, ...policy };
    return cluster.apply(service({ namespace: ns, name, spec }));
  };

  before(async () => {
    cluster = await Cluster.up({ name: "testway", mode: "overlay" });
    await cluster.apply(
      namespace(ns),
      ...[...pods].map(([name, node]) => {
        const [app = ""] = (name.split("/")[1] ?? "").split("-");
        return pod({ namespace: ns, name: name.slice(ns.length + 1), node, labels: { app } });
      }),
      pod({
        ...{ namespace: ns, name: "host-n2", node: "n2", labels: { app: "host" } },
        ...{ ports: { web: 7070 }, spec: { hostNetwork: true } },
      }),
    );
    for (const each of exposed) await expose(each);
    await cluster.podsReady(ns);
    for (const node of ["n1", "n2", "n3"])
      for (const { nodePort } of exposed)
        await eventually(`node ${node} has port ${nodePort}`, async () =>
          (await cluster.sandbox.host(node).exec(["nft", "list", "table", "inet", "weft_way_in"])).includes(
            String(nodePort),
          ),
        );
    for (const { endpoints, nodePort } of exposed)
      for (const pod of endpoints.keys())
        await eventually(`${pod} is an endpoint`, async () =>
          (
            await cluster.answering(
              "outside",
              tcp(cluster.hostAddresses(endpoints.get(pod) ?? "")[0] ?? "", nodePort),
            )
          ).includes(pod),
        );
    const world = await worldOf(cluster, pods);
    cells = new Map(clients.map((client) => [client, cellsOf(world, client, exposed)]));
    // Side by side, because silence takes its time.
    const asked = clients.map(
      async (client) => [client, await cluster.ask(client, cells.get(client) ?? [])] as const,
    );
    results = new Map(await Promise.all(asked));
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  for (const client of clients)
    test(`${client} is answered, or not, as the policies say, and seen as they say`, () => {
      const expected = cells.get(client) ?? [];
      assert.equal(expected.length, 36);
      const found = (results.get(client) ?? []).map(({ ok, words }) => (ok ? words : "silence"));
      assert.deepEqual(
        expected.map((cell, at) =>
          found[at] === "silence" ? `${cell.what}: silence` : told(cell, found[at]),
        ),
        expected.map((cell) => told(cell)),
      );
    });

  test("inside, `internalTrafficPolicy: Local` leads to the endpoints of the client's own node, and to nothing where there are none", async () => {
    for (const address of await cluster.clusterIpsOf(ns, "here")) {
      for (const client of ["n1", `${ns}/client-n1`])
        assert.deepEqual(await cluster.answering(client, tcp(address)), ["web-n1"], client);
      const [there] = await cluster.ask(`${ns}/client-n3`, [tcp(address)]);
      assert.match(there?.words ?? "", /no answer/);
    }
  });

  test("a port leads in at an address that the node gets later, on any interface", async () => {
    const [more4, more6] = ["192.0.2.9", "2001:db8:9::9"];
    const n1 = cluster.sandbox.host("n1");
    const outside = cluster.sandbox.host("outside");
    const [via4 = "", via6 = ""] = cluster.hostAddresses("n1");
    await n1.exec(["ip", "link", "add", "more0", "type", "veth", "peer", "name", "more1"]);
    await n1.exec(["ip", "link", "set", "more0", "up"]);
    for (const address of [`${more4}/32`, `${more6}/128`])
      await n1.exec([
        "ip",
        "address",
        "add",
        address,
        "dev",
        "more0",
        ...(address.includes(":") ? ["nodad"] : []),
      ]);
    await outside.exec(["ip", "route", "add", more4, "via", via4]);
    await outside.exec(["ip", "route", "add", more6, "via", via6]);
    for (const client of ["outside", "n1", `${ns}/client-n1`])
      for (const address of [more4, more6])
        for (const question of [tcp(address, 30_080), udp(address, 30_080)])
          await becomes(`${client} ▶ ${question.way} ${address}`, ["web-n1", "web-n2"], () =>
            cluster.answering(client, question),
          );
    await n1.exec(["ip", "link", "delete", "more0"]);
  });

  test("a port that a process of the node has is the Service's while there is one, also for clients that are older", async () => {
    const port = 30_090;
    await cluster.serveEcho("n3", port);
    const addresses = cluster.hostAddresses("n3");
    await using talks = new AsyncDisposableStack();
    const older = ["outside", `${ns}/client-n3`].flatMap((client, index) =>
      addresses.map((address, family) =>
        talks.use(talkUdp(cluster, client, address, port, 42_000 + 2 * index + family)),
      ),
    );
    for (const talk of older) await talk.heard("n3");
    await expose({ name: "web-only", nodePort: port, isLocal: false });
    for (const talk of older) await talk.heard(/^web-n[12]$/);
    for (const address of addresses)
      await becomes(`the Service answers at ${address}`, ["web-n1", "web-n2"], () =>
        cluster.answering("outside", tcp(address, port)),
      );
    await cluster.kubectl("delete", "service", "-n", ns, "web-only");
    for (const talk of older) await talk.heard("n3");
    for (const address of addresses)
      await becomes(`the process answers at ${address}`, ["n3"], () =>
        cluster.answering("outside", tcp(address, port)),
      );
  });

  test("a Service may have one number for TCP and UDP, change its policy, and lose a port", async () => {
    const [asked = ""] = cluster.hostAddresses("n2");
    await expose({ name: "here", nodePort: 30_081, isLocal: false });
    await becomes("with Cluster both answer", ["web-n1", "web-n2"], () =>
      cluster.answering("outside", udp(asked, 30_081)),
    );
    await expose({ name: "here", nodePort: 30_081, isLocal: true });
    await becomes("with Local the node's own answers", ["web-n2"], () =>
      cluster.answering("outside", udp(asked, 30_081)),
    );
    await cluster.kubectl("delete", "service", "-n", ns, "here");
    await eventually("nobody answers", async () => {
      const [found] = await cluster.ask("outside", [tcp(asked, 30_081)]);
      return found?.words.includes("refused");
    });
    await becomes("no balancer of a node is left", [], async () =>
      (await cluster.rows("Load_Balancer", "name")).filter((name) => name.includes("_here_")),
    );
  });
});
