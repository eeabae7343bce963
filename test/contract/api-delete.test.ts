// How a Kubernetes API deletes objects, tested by HTTP alone. Runs against the sandbox's server, or against any other
// whose kubeconfig WEFT_API_KUBECONFIG names.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type JsonObject, listAt, numberAt, textAt } from "../../sandbox/api/json.ts";
import { configMap, mergePatch, names, pod, uid } from "./apiObjects.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";

let api: ApiUnderTest;
before(async () => {
  api = await ApiUnderTest.start();
});
after(() => api[Symbol.asyncDispose]());

async function gone(path: string): Promise<void> {
  while ((await api.call("GET", path)).code !== 404) await sleep(50);
}

describe("deleting", () => {
  it("removes at once what nothing holds, unless a precondition fails", async () => {
    const made = await api.expect(201, "POST", api.path("configmaps"), configMap("doomed"));
    const path = api.path("configmaps/doomed");
    await api.expect(409, "DELETE", path, { preconditions: { uid: "00000000-0000-0000-0000-000000000000" } });
    const status = await api.expect(200, "DELETE", path, { preconditions: { uid: uid(made) } });
    assert.equal(status["status"], "Success");
    await api.expect(404, "GET", path);
  });

  it("waits for finalizers, and lets none be added meanwhile", async () => {
    const path = api.path("configmaps/held");
    await api.expect(
      201,
      "POST",
      api.path("configmaps"),
      configMap("held", { finalizers: ["weft.io/hold"] }),
    );
    await api.expect(200, "DELETE", path);
    const held = await api.expect(200, "GET", path);
    assert.notEqual(textAt(held, "metadata", "deletionTimestamp"), "");
    const more = { metadata: { finalizers: ["weft.io/hold", "weft.io/more"] } };
    await api.expect(422, "PATCH", path, more, mergePatch);
    await api.expect(200, "PATCH", path, { metadata: { finalizers: null } }, mergePatch);
    await api.expect(404, "GET", path);
  });

  it("gives a pod on a node its grace period, and one without a node none", async () => {
    await api.expect(201, "POST", api.path("pods"), pod("idle"));
    await api.expect(200, "DELETE", api.path("pods/idle"));
    await api.expect(404, "GET", api.path("pods/idle"));
    await api.expect(201, "POST", api.path("pods"), pod("busy"));
    const binding = { metadata: { name: "busy" }, target: { kind: "Node", name: "weft-no-such-node" } };
    await api.expect(201, "POST", api.path("pods/busy/binding"), binding);
    await api.expect(409, "POST", api.path("pods/busy/binding"), binding);
    await api.expect(200, "DELETE", api.path("pods/busy"), { gracePeriodSeconds: 25 });
    const leaving = await api.expect(200, "GET", api.path("pods/busy"));
    assert.equal(numberAt(leaving, "metadata", "deletionGracePeriodSeconds"), 25);
    assert.equal(textAt(leaving, "spec", "nodeName"), "weft-no-such-node");
    await api.expect(200, "DELETE", api.path("pods/busy"), { gracePeriodSeconds: 0 });
    await api.expect(404, "GET", api.path("pods/busy"));
  });

  it("by eviction asks the disruption budget of a pod that runs", async () => {
    const evict = (name: string, code: number): Promise<JsonObject> =>
      api.expect(code, "POST", api.path(`pods/${name}/eviction`), {
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: { name, namespace: api.namespace },
      });
    const labels = { app: "guarded" };
    for (const name of ["pending", "running"])
      await api.expect(201, "POST", api.path("pods"), pod(name, { labels }));
    const status = { status: { phase: "Running" } };
    await api.expect(200, "PATCH", api.path("pods/running/status"), status, mergePatch);
    const budgets = api.path("policy/v1/poddisruptionbudgets");
    await api.expect(201, "POST", budgets, {
      metadata: { name: "guard" },
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    });
    await evict("pending", 201);
    await api.expect(404, "GET", api.path("pods/pending"));
    const refused = await evict("running", 429);
    assert.equal(refused["reason"], "TooManyRequests");
    assert.deepEqual(
      listAt(refused, "details", "causes").map((cause) => textAt(cause, "reason")),
      ["DisruptionBudget"],
    );
    await api.expect(200, "DELETE", `${budgets}/guard`);
    await evict("running", 201);
    await api.expect(404, "GET", api.path("pods/running"));
    await evict("running", 404);
    const both = { minAvailable: 1, maxUnavailable: 1 };
    await api.expect(422, "POST", budgets, { metadata: { name: "both" }, spec: both });
  });

  it("of a collection takes what the selectors mean", async () => {
    for (const [name, color] of [
      ["c1", "red"],
      ["c2", "red"],
      ["c3", "blue"],
    ] as const)
      await api.expect(201, "POST", api.path("secrets"), { metadata: { name, labels: { color } } });
    await api.expect(200, "DELETE", `${api.path("secrets")}?labelSelector=color%3Dred`);
    assert.deepEqual(names(await api.expect(200, "GET", `${api.path("secrets")}?labelSelector=color`)), [
      "c3",
    ]);
  });

  for (const policy of ["Background", "Foreground", "Orphan"])
    it(`${policy} treats what the object owns as asked`, async () => {
      const name = `owner-${policy.toLowerCase()}`;
      const owner = await api.expect(201, "POST", api.path("configmaps"), configMap(name));
      const reference = {
        apiVersion: "v1",
        kind: "ConfigMap",
        name,
        uid: uid(owner),
        blockOwnerDeletion: true,
      };
      const owned = configMap(`${name}-owned`, { ownerReferences: [reference] });
      await api.expect(201, "POST", api.path("configmaps"), owned);
      await api.expect(200, "DELETE", api.path(`configmaps/${name}`), { propagationPolicy: policy });
      await gone(api.path(`configmaps/${name}`));
      if (policy !== "Orphan") return gone(api.path(`configmaps/${name}-owned`));
      const left = await api.expect(200, "GET", api.path(`configmaps/${name}-owned`));
      assert.deepEqual(listAt(left, "metadata", "ownerReferences"), []);
    });

  it("of a namespace keeps it, closed to new objects, until it is empty", async () => {
    const name = `${api.namespace}-going`;
    await api.makeNamespace(name);
    const inside = `/api/v1/namespaces/${name}/configmaps`;
    await api.expect(201, "POST", inside, configMap("held", { finalizers: ["weft.io/hold"] }));
    await api.expect(200, "DELETE", `/api/v1/namespaces/${name}`);
    const going = await api.expect(200, "GET", `/api/v1/namespaces/${name}`);
    assert.equal(textAt(going, "status", "phase"), "Terminating");
    await api.expect(403, "POST", inside, configMap("late"));
    await api.expect(200, "PATCH", `${inside}/held`, { metadata: { finalizers: null } }, mergePatch);
    if (api.embedded) {
      // The controller's part: it empties the namespace and then removes the specification's finalizer.
      await api.expect(200, "DELETE", inside);
      await api.expect(200, "PUT", `/api/v1/namespaces/${name}/finalize`, {
        ...going,
        metadata: { name },
        spec: {},
      });
    }
    await gone(`/api/v1/namespaces/${name}`);
  });
});
