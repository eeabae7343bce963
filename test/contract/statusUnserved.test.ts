// What `weft status` counts as not served, from a real list of an API server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gather } from "../../src/cli/status/gather.ts";
import { judge } from "../../src/cli/status/judge.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { annotations } from "../../src/model/names.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";

/** Nobody listens there. */
const nowhere = ["tcp:127.0.0.1:1"];

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
  const snapshot = await gather({
    cluster: "demo",
    kubernetes: () => Promise.resolve(new KubeClient(api.config)),
    northbound: nowhere,
    southbound: nowhere,
    tls: undefined,
    lease: { namespace: "kube-system", name: "weft-demo" },
    timeoutMs: 3_000,
    probe: false,
  });
  const { notServed } = judge(snapshot);
  assert.deepEqual(
    notServed.map(({ what, objects }) => [what.split(";")[0], objects]),
    [["a spec.podCIDR other than the subnet that Weft gave the node", 2]],
  );
});
