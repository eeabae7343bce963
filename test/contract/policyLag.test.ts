// A pod with an assigned address waits for policies that the API server has and the watch has not brought yet.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { record, text } from "../../src/kube/json.ts";
import { policyKinds } from "../../src/kube/policies.ts";
import { namesOf } from "../../src/model/names.ts";
import { rowUuid } from "../../src/model/uuid.ts";
import { select } from "../real/ovsdbServer.ts";
import { until } from "../real/until.ts";
import { type ApiObject, clusterPolicy, node, policy, shop } from "./clusterObjects.ts";
import { lead, listed, portNames, put, server, storesWith } from "./termWorld.ts";

const policies: readonly (readonly [string, ApiObject, string])[] = [
  ["a policy", policy, "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"],
  [
    "a policy of the whole cluster",
    clusterPolicy,
    "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies",
  ],
];
const newborn = (name: string): ApiObject => ({
  plural: "pods",
  object: {
    metadata: { namespace: "shop", name, labels: { app: "web" }, resourceVersion: "4" },
    spec: { nodeName: "n2" },
    status: { phase: "Pending" },
  },
});
/** Long enough for everything that a controller does about a pod. */
const quietMs = 1_000;

for (const [what, { plural, object }, path] of policies)
  test(`a pod gets no port while the watch lags behind ${what} that is older than it, and then begins under it`, async () => {
    const name = `newborn-${plural}`;
    const port = namesOf("demo").podPort("shop", name);
    const stores = storesWith(node(2), shop, newborn(name));
    const metadata = { ...record(object.metadata), uid: "uid-of-older", resourceVersion: "3" };
    const older = { ...object, metadata };
    listed.clear();
    listed.set(path, [older]);
    for (const kind of policyKinds) stores[kind].note({ resourceVersion: "2" });
    await lead(["10.242.0.0/16"], stores, undefined, {
      until: async () => {
        await pause(quietMs);
        assert.ok(!(await portNames()).has(port), "the policy is not known yet");
        put(stores, { plural, object: older });
        await until("the pod has a port", async () => (await portNames()).has(port));
        const groups = await select(server.remote, "OVN_Northbound", "Port_Group");
        const uuid = rowUuid("demo", "Logical_Switch_Port", port);
        assert.ok(
          groups.some(
            ({ name, ports }) =>
              text(name).startsWith("demo_subjects_") && JSON.stringify(ports).includes(uuid),
          ),
          JSON.stringify(groups.map(({ name, ports }) => [name, ports])),
        );
      },
    });
  });
