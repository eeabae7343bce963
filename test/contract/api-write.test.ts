// How a Kubernetes API accepts objects and changes to them, tested by HTTP alone. Runs against the sandbox's server, or
// against any other whose kubeconfig WEFT_API_KUBECONFIG names.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Json, type JsonObject, listAt, numberAt, objectAt, textAt } from "../../sandbox/api/json.ts";
import { configMap, container, fields, mergePatch, pod, uid, version } from "./apiObjects.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";

let api: ApiUnderTest;
before(async () => {
  api = await ApiUnderTest.start();
});
after(() => api[Symbol.asyncDispose]());

describe("creating", () => {
  it("gives an object its identity and fills in what was left out", async () => {
    const created = await api.expect(201, "POST", api.path("pods"), pod("born"));
    assert.match(uid(created), /^[0-9a-f-]{36}$/);
    assert.match(version(created), /^\d+$/);
    assert.ok(Date.parse(textAt(created, "metadata", "creationTimestamp")) <= Date.now());
    assert.equal(textAt(created, "spec", "restartPolicy"), "Always");
    assert.equal(numberAt(created, "spec", "terminationGracePeriodSeconds"), 30);
    assert.equal(textAt(created, "status", "phase"), "Pending");
    assert.deepEqual(await api.expect(200, "GET", api.path("pods/born")), created);
  });

  it("refuses a name that is taken, a namespace that is not there and an object without a name", async () => {
    await api.expect(201, "POST", api.path("configmaps"), configMap("twice"));
    const taken = await api.expect(409, "POST", api.path("configmaps"), configMap("twice"));
    assert.equal(taken["reason"], "AlreadyExists");
    await api.expect(404, "POST", "/api/v1/namespaces/weft-not-there/configmaps", configMap("x"));
    await api.expect(422, "POST", api.path("configmaps"), { data: {} });
    await api.expect(400, "POST", api.path("configmaps"), { metadata: { name: "x", namespace: "default" } });
  });

  it("completes a generateName", async () => {
    const body = { metadata: { generateName: "many-" } };
    const made = await Promise.all(
      [1, 2, 3].map(() => api.expect(201, "POST", api.path("configmaps"), body)),
    );
    const unique = new Set(made.map((one) => textAt(one, "metadata", "name")));
    assert.equal(unique.size, 3);
    for (const name of unique) assert.match(name, /^many-[a-z0-9]{5}$/);
  });

  it("names every invalid field at once", async () => {
    const wrong = {
      metadata: { name: "Wrong", labels: { "-": "x" } },
      spec: { containers: [{ name: "c", ports: [{ containerPort: 70_000 }] }], restartPolicy: "Sometimes" },
    };
    const status = await api.expect(422, "POST", api.path("pods"), wrong);
    assert.equal(status["reason"], "Invalid");
    for (const field of [
      "FieldValueInvalid metadata.name",
      "FieldValueInvalid metadata.labels",
      "FieldValueInvalid spec.containers[0].ports[0].containerPort",
      "FieldValueNotSupported spec.restartPolicy",
    ])
      assert.ok(fields(status).includes(field), `${field} is among ${fields(status).join(", ")}`);
  });

  it("refuses wrong types, and unknown fields when asked to be strict", async () => {
    await api.expect(400, "POST", api.path("configmaps"), { metadata: { name: "x" }, data: { a: 1 } });
    const odd = { metadata: { name: "odd" }, dada: {} };
    const strict = await api.expect(400, "POST", `${api.path("configmaps")}?fieldValidation=Strict`, odd);
    assert.match(textAt(strict, "message"), /unknown field "dada"/);
    const warned = await api.call("POST", `${api.path("configmaps")}?fieldValidation=Warn`, { body: odd });
    assert.equal(warned.code, 201);
    assert.match(warned.warnings, /unknown field/);
  });

  it("stores nothing in a dry run", async () => {
    const rehearsed = await api.expect(201, "POST", `${api.path("pods")}?dryRun=All`, pod("rehearsed"));
    assert.equal(textAt(rehearsed, "spec", "restartPolicy"), "Always");
    await api.expect(404, "GET", api.path("pods/rehearsed"));
  });
});

describe("changing", () => {
  it("refuses a write that is based on an old state", async () => {
    const first = await api.expect(201, "POST", api.path("configmaps"), configMap("locked"));
    const second = await api.expect(200, "PUT", api.path("configmaps/locked"), {
      ...first,
      data: { a: "2" },
    });
    assert.ok(BigInt(version(second)) > BigInt(version(first)));
    const stale = await api.expect(409, "PUT", api.path("configmaps/locked"), { ...first, data: { a: "3" } });
    assert.equal(stale["reason"], "Conflict");
    const patch = { metadata: { resourceVersion: version(first) }, data: { a: "4" } };
    await api.expect(409, "PATCH", api.path("configmaps/locked"), patch, mergePatch);
  });

  it("refuses a patch that means another object of the name", async () => {
    await api.expect(201, "POST", api.path("configmaps"), configMap("reborn"));
    const patch = { metadata: { uid: "00000000-0000-0000-0000-000000000000" }, data: { a: "2" } };
    const refused = await api.expect(422, "PATCH", api.path("configmaps/reborn"), patch, mergePatch);
    assert.deepEqual(fields(refused), ["FieldValueInvalid metadata.uid"]);
    const other = configMap("reborn", patch.metadata);
    await api.expect(409, "PUT", api.path("configmaps/reborn"), other);
  });

  it("that changes nothing leaves the resourceVersion", async () => {
    const first = await api.expect(201, "POST", api.path("configmaps"), configMap("same"));
    const again = await api.expect(
      200,
      "PATCH",
      api.path("configmaps/same"),
      { data: { a: "1" } },
      mergePatch,
    );
    assert.equal(version(again), version(first));
  });

  it("takes JSON, merge and strategic patches, and no other", async () => {
    await api.expect(201, "POST", api.path("pods"), pod("patched", { labels: { a: "1" } }));
    const json: Json = [
      { op: "test", path: "/metadata/labels/a", value: "1" },
      { op: "add", path: "/metadata/labels/b", value: "2" },
    ];
    await api.expect(200, "PATCH", api.path("pods/patched"), json, "application/json-patch+json");
    await api.expect(
      422,
      "PATCH",
      api.path("pods/patched"),
      [{ op: "test", path: "/metadata/labels/a", value: "9" }],
      "application/json-patch+json",
    );
    await api.expect(
      200,
      "PATCH",
      api.path("pods/patched"),
      { metadata: { labels: { a: null } } },
      mergePatch,
    );
    const image = { spec: { containers: [{ name: "c", image: "none.invalid/c:2" }] } };
    const result = await api.expect(
      200,
      "PATCH",
      api.path("pods/patched"),
      image,
      "application/strategic-merge-patch+json",
    );
    assert.deepEqual(objectAt(result, "metadata", "labels"), { b: "2" });
    assert.equal(textAt(listAt(result, "spec", "containers")[0], "image"), "none.invalid/c:2");
    await api.expect(415, "PATCH", api.path("pods/patched"), {}, "application/json");
  });

  it("keeps a pod's specification as it was made", async () => {
    await api.expect(201, "POST", api.path("pods"), pod("fixed"));
    const status = await api.expect(
      422,
      "PATCH",
      api.path("pods/fixed"),
      { spec: { hostNetwork: true } },
      mergePatch,
    );
    assert.ok(fields(status).includes("FieldValueForbidden spec"));
  });

  it("writes the status through its subresource only, and nothing else through that", async () => {
    await api.expect(201, "POST", api.path("pods"), pod("reported"));
    await api.expect(200, "PATCH", api.path("pods/reported"), { status: { message: "lost" } }, mergePatch);
    const change = {
      metadata: { finalizers: ["weft.io/lost"] },
      spec: { nodeName: "lost" },
      status: { message: "kept" },
    };
    await api.expect(200, "PATCH", api.path("pods/reported/status"), { status: change.status }, mergePatch);
    const found = await api.expect(200, "GET", api.path("pods/reported"));
    assert.equal(textAt(found, "status", "message"), "kept");
    assert.equal(textAt(found, "spec", "nodeName"), "");
  });

  it("counts a workload's generation with its specification, not with its metadata", async () => {
    const template = { metadata: { labels: { app: "g" } }, spec: { containers: [container] } };
    const body = {
      metadata: { name: "generations" },
      spec: { replicas: 0, selector: { matchLabels: { app: "g" } }, template },
    };
    const path = api.path("apps/v1/deployments");
    const made = await api.expect(201, "POST", path, body);
    const labelled = await api.expect(
      200,
      "PATCH",
      `${path}/generations`,
      { metadata: { labels: { a: "b" } } },
      mergePatch,
    );
    const paused = await api.expect(
      200,
      "PATCH",
      `${path}/generations`,
      { spec: { paused: true } },
      mergePatch,
    );
    const generations = [made, labelled, paused].map((one) => numberAt(one, "metadata", "generation"));
    assert.deepEqual(generations, [1, 1, 2]);
    const scale = await api.expect(
      200,
      "PATCH",
      `${path}/generations/scale`,
      { spec: { replicas: 3 } },
      mergePatch,
    );
    assert.equal(textAt(scale, "kind"), "Scale");
    assert.equal(numberAt(await api.expect(200, "GET", `${path}/generations`), "spec", "replicas"), 3);
    await api.expect(200, "DELETE", `${path}/generations`);
  });

  it("turns a Secret's stringData into data", async () => {
    const made = await api.expect(201, "POST", api.path("secrets"), {
      metadata: { name: "s" },
      stringData: { a: "b" },
    });
    assert.deepEqual([made["data"], made["stringData"], made["type"]], [{ a: "Yg==" }, undefined, "Opaque"]);
  });

  it("adds ephemeral containers through their subresource, and lets none change", async () => {
    await api.expect(201, "POST", api.path("pods"), pod("debugged"));
    const ephemeral = (image: string): JsonObject => ({
      spec: { ephemeralContainers: [{ name: "debugger", image, targetContainerName: "c" }] },
    });
    const strategic = "application/strategic-merge-patch+json";
    const path = api.path("pods/debugged/ephemeralcontainers");
    const made = await api.expect(200, "PATCH", path, ephemeral("none.invalid/d:1"), strategic);
    const [first] = listAt(made, "spec", "ephemeralContainers");
    assert.equal(textAt(first, "terminationMessagePolicy"), "File");
    const refused = await api.expect(422, "PATCH", path, ephemeral("none.invalid/d:2"), strategic);
    assert.ok(fields(refused).includes("FieldValueForbidden spec.ephemeralContainers"));
    assert.equal(textAt(await api.expect(200, "GET", path), "kind"), "Pod");
  });

  it("takes a null or absent podSelector of a NetworkPolicy for an empty one", async () => {
    const path = api.path("networking.k8s.io/v1/networkpolicies");
    for (const [name, spec] of [
      ["null", { podSelector: null }],
      ["empty", { podSelector: {} }],
    ] as const) {
      const made = await api.expect(201, "POST", path, { metadata: { name }, spec });
      assert.deepEqual(made["spec"], { podSelector: {}, policyTypes: ["Ingress"] });
    }
  });

  it("makes a Job's selector and its pods' labels", async () => {
    const template = { spec: { restartPolicy: "Never", schedulerName: "nobody", containers: [container] } };
    const path = api.path("batch/v1/jobs");
    const made = await api.expect(201, "POST", path, { metadata: { name: "work" }, spec: { template } });
    const { completions, parallelism, backoffLimit } = objectAt(made, "spec");
    assert.deepEqual([completions, parallelism, backoffLimit], [1, 1, 6]);
    assert.deepEqual(objectAt(made, "spec", "selector", "matchLabels"), {
      "batch.kubernetes.io/controller-uid": textAt(made, "metadata", "uid"),
    });
    assert.equal(textAt(made, "spec", "template", "metadata", "labels", "job-name"), "work");
    const always = { spec: { ...template.spec, restartPolicy: "Always" } };
    await api.expect(422, "POST", path, { metadata: { name: "endless" }, spec: { template: always } });
    await api.expect(422, "PATCH", `${path}/work`, { spec: { completions: 2 } }, mergePatch);
    await api.expect(200, "DELETE", `${path}/work?propagationPolicy=Background`);
  });

  it("takes StatefulSets and DaemonSets with their defaults", async () => {
    const selector = { matchLabels: { app: "kept" } };
    const template = {
      metadata: { labels: { app: "kept" } },
      spec: { schedulerName: "nobody", containers: [container] },
    };
    const stateful = await api.expect(201, "POST", api.path("apps/v1/statefulsets"), {
      metadata: { name: "kept" },
      spec: { replicas: 0, serviceName: "kept", selector, template },
    });
    const { podManagementPolicy, updateStrategy } = objectAt(stateful, "spec");
    assert.equal(podManagementPolicy, "OrderedReady");
    assert.equal(textAt(updateStrategy, "type"), "RollingUpdate");
    assert.equal(numberAt(updateStrategy, "rollingUpdate", "partition"), 0);
    const renamed = { spec: { serviceName: "other" } };
    await api.expect(422, "PATCH", api.path("apps/v1/statefulsets/kept"), renamed, mergePatch);
    const nowhere = { ...template, spec: { ...template.spec, nodeSelector: { "weft.io/none": "" } } };
    const daemon = await api.expect(201, "POST", api.path("apps/v1/daemonsets"), {
      metadata: { name: "kept" },
      spec: { selector, template: nowhere },
    });
    assert.equal(textAt(daemon, "spec", "updateStrategy", "type"), "RollingUpdate");
    for (const plural of ["statefulsets", "daemonsets"])
      await api.expect(200, "DELETE", api.path(`apps/v1/${plural}/kept`));
  });
});
