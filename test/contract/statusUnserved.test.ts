// What `weft status` counts as not served, from a real list of an API server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gather, type Sources } from "../../src/cli/status/gather.ts";
import { judge } from "../../src/cli/status/judge.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { annotations } from "../../src/model/names.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";

/** Nobody listens there. */
const nowhere = ["tcp:127.0.0.1:1"];

const sources = (api: ApiUnderTest): Sources => ({
  cluster: "demo",
  kubernetes: () => Promise.resolve(new KubeClient(api.config)),
  northbound: nowhere,
  southbound: nowhere,
  tls: undefined,
  lease: { namespace: "kube-system", name: "weft-demo" },
  timeoutMs: 3_000,
  probe: false,
});

test("Nodes whose podCIDR is not the subnet that they have are counted", async () => {
  await using api = await ApiUnderTest.startEmbedded();
  const nodes = { n1: "10.244.0.0/24", n2: "10.244.7.0/24", n3: "10.244.8.0/24" };
  for (const [index, [name, podCIDR]] of Object.entries(nodes).entries()) {
    const subnets = JSON.stringify({ default: [`10.244.${index}.0/24`] });
    await api.expect(201, "POST", "/api/v1/nodes", {
      metadata: { name, annotations: { [annotations.nodeSubnets]: subnets } },
      spec: { podCIDR, podCIDRs: [podCIDR] },
    });
  }
  const snapshot = await gather(sources(api));
  const { notServed } = judge(snapshot);
  assert.deepEqual(
    notServed.map(({ what, objects }) => [what.split(";")[0], objects]),
    [["a spec.podCIDR other than the subnet that Weft gave the node", 2]],
  );
});

test("Services that keep the client's address are counted if an endpoint is in the host's network", async () => {
  await using api = await ApiUnderTest.startEmbedded();
  await api.expect(201, "POST", "/api/v1/nodes", { metadata: { name: "n1" } });
  await api.expect(
    200,
    "PATCH",
    "/api/v1/nodes/n1/status",
    {
      status: { addresses: [{ type: "InternalIP", address: "172.30.0.11" }] },
    },
    "application/merge-patch+json",
  );
  const endpoints = { host: "172.30.0.11", pod: "10.244.0.3", open: "172.30.0.11", near: "172.30.0.11" };
  for (const [name, address] of Object.entries(endpoints)) {
    await api.expect(201, "POST", "/api/v1/namespaces/default/services", {
      metadata: { name },
      spec: {
        type: name === "near" ? "ClusterIP" : "NodePort",
        ...(name === "open" || name === "near" ? {} : { externalTrafficPolicy: "Local" }),
        ports: [{ port: 80 }],
      },
    });
    await api.expect(201, "POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
      metadata: { name, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [{ addresses: [address], nodeName: "n1" }],
      ports: [{ port: 80 }],
    });
  }
  assert.deepEqual(judge(await gather(sources(api))).notServed, [
    { what: "externalTrafficPolicy: Local with an endpoint in the host's network", objects: 1 },
  ]);
});
