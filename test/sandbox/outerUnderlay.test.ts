// In underlay mode the cloud's switches have a Service's addresses from outside: pods, the nodes' processes and other machines of
// the tenant reach them. Nothing leads there from outside the tenant, and the Service is told so.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";

const ns = "front";

suite("addresses from outside in underlay mode", { timeout: 120_000 }, () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.up({ name: "testouteru", mode: "underlay" });
    await cluster.apply(
      namespace(ns),
      {
        ...{ apiVersion: "weft.io/v1alpha1", kind: "IPAddressPool", metadata: { name: "front" } },
        spec: { addresses: ["198.51.100.10-198.51.100.20", "2001:db8:51::10-2001:db8:51::20"] },
      },
      ...["n1", "n2"].map((node) =>
        pod({ namespace: ns, name: `web-${node}`, node, labels: { app: "web" } }),
      ),
      pod({ namespace: ns, name: "client", node: "n3" }),
      service({
        ...{ namespace: ns, name: "any" },
        spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
      }),
    );
    await cluster.podsReady(ns);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("all endpoints answer pods, nodes and machines of the tenant; an Event tells what is missing", async () => {
    const path = "{.status.loadBalancer.ingress[*].ip}";
    const ips = await eventually("two addresses", async () => {
      const found = (await cluster.field("service", ns, "any", path)).split(" ").filter(Boolean);
      return found.length === 2 && found;
    });
    for (const address of ips) {
      const question: Question = { way: "tcp", address, port: 80 };
      for (const client of [`${ns}/client`, `${ns}/web-n1`, "n1", "n3", "vm"])
        await becomes(`${client} ▶ ${address}`, ["web-n1", "web-n2"], () =>
          cluster.answering(client, question),
        );
    }
    const events = ["get", "events", "-n", ns, "--field-selector=involvedObject.name=any"];
    await becomes("the Event", true, async () =>
      (await cluster.kubectl(...events)).includes("addresses from outside, for clients beyond the tenant"),
    );
    assert.ok(ips.every((ip) => ip.startsWith("198.51.100.") || ip.startsWith("2001:db8:51:")));
  });
});
