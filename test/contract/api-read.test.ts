// How a Kubernetes API returns objects, and what it makes of Services, tested by HTTP alone. Runs against the sandbox's
// server, or against any other whose kubeconfig WEFT_API_KUBECONFIG names.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type JsonObject, listAt, numberAt, textAt } from "../../sandbox/api/json.ts";
import { fields, mergePatch, names, pod, version } from "./apiObjects.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";

let api: ApiUnderTest;
before(async () => {
  api = await ApiUnderTest.start();
});
after(() => api[Symbol.asyncDispose]());

describe("reading", () => {
  it("gives pages that together are the list, all as of the first page", async () => {
    const labels = { paged: "yes" };
    for (let i = 0; i < 5; i++)
      await api.expect(201, "POST", api.path("secrets"), { metadata: { name: `page-${i}`, labels } });
    const path = `${api.path("secrets")}?labelSelector=paged%3Dyes&limit=2`;
    const pages = [await api.expect(200, "GET", path)];
    for (
      let next = textAt(pages[0], "metadata", "continue");
      next !== "";
      next = textAt(pages.at(-1), "metadata", "continue")
    )
      pages.push(await api.expect(200, "GET", `${path}&continue=${encodeURIComponent(next)}`));
    assert.deepEqual(pages.flatMap(names), ["page-0", "page-1", "page-2", "page-3", "page-4"]);
    assert.deepEqual(new Set(pages.map(version)).size, 1);
    await api.expect(400, "GET", `${path}&continue=nonsense`);
  });

  it("selects by labels and fields, and refuses selectors it does not understand", async () => {
    await api.expect(201, "POST", api.path("pods"), pod("selected", { labels: { role: "x" } }));
    const query = (kind: "labelSelector" | "fieldSelector", selector: string): string =>
      `${api.path("pods")}?${kind}=${encodeURIComponent(selector)}`;
    for (const path of [
      query("labelSelector", "role in (x,y),!z"),
      query("fieldSelector", "metadata.name=selected,status.phase!=Running"),
    ])
      assert.deepEqual(names(await api.expect(200, "GET", path)), ["selected"], path);
    await api.expect(400, "GET", query("fieldSelector", "spec.image=x"));
    await api.expect(400, "GET", query("labelSelector", "role in x"));
  });

  it("gives a Table where one is wanted", async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const { body } = await api.call("GET", "/api/v1/namespaces", { accept });
    assert.equal(textAt(body, "kind"), "Table");
    assert.deepEqual(
      listAt(body, "columnDefinitions").map((column) => textAt(column, "name")),
      ["Name", "Status", "Age"],
    );
    assert.equal((await api.call("GET", "/api/v1/namespaces", { accept: "text/html" })).code, 406);
  });

  it("answers a wrong token and an unknown object with a Status, an unknown path with 404", async () => {
    assert.equal((await api.call("GET", "/api/v1/nodes", { token: "wrong" })).body["reason"], "Unauthorized");
    await api.expect(404, "GET", "/apis/weft.io/v9/looms");
    const missing = await api.expect(404, "GET", api.path("apps/v1/deployments/none"));
    assert.equal(missing["message"], 'deployments.apps "none" not found');
  });
});

describe("a Service", () => {
  const service = (name: string, spec: JsonObject): JsonObject => ({
    metadata: { name },
    spec: { ports: [{ port: 80 }], ...spec },
  });

  it("gets an address that no other Service can have and that stays", async () => {
    const made = await api.expect(201, "POST", api.path("services"), service("addressed", {}));
    const clusterIP = textAt(made, "spec", "clusterIP");
    assert.deepEqual(listAt(made, "spec", "clusterIPs"), [clusterIP]);
    await api.expect(422, "POST", api.path("services"), service("thief", { clusterIP }));
    await api.expect(
      422,
      "PATCH",
      api.path("services/addressed"),
      { spec: { clusterIP: "10.96.77.77" } },
      mergePatch,
    );
    const replaced = await api.expect(
      200,
      "PUT",
      api.path("services/addressed"),
      service("addressed", { selector: { a: "b" } }),
    );
    assert.equal(textAt(replaced, "spec", "clusterIP"), clusterIP);
  });

  it("fills in ports and policies, and has no address when it is headless", async () => {
    const made = await api.expect(
      201,
      "POST",
      api.path("services"),
      service("headless", { clusterIP: "None", sessionAffinity: "ClientIP" }),
    );
    assert.deepEqual(listAt(made, "spec", "clusterIPs"), ["None"]);
    assert.deepEqual(listAt(made, "spec", "ports"), [{ port: 80, protocol: "TCP", targetPort: 80 }]);
    assert.equal(numberAt(made, "spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"), 10_800);
  });

  it("needs names for several ports, and may not repeat one", async () => {
    const unnamed = await api.expect(
      422,
      "POST",
      api.path("services"),
      service("unnamed", { ports: [{ port: 1 }, { port: 2 }] }),
    );
    assert.ok(fields(unnamed).includes("FieldValueRequired spec.ports[0].name"));
    const repeated = {
      ports: [
        { name: "a", port: 1 },
        { name: "b", port: 1 },
      ],
    };
    const status = await api.expect(422, "POST", api.path("services"), service("repeated", repeated));
    assert.ok(fields(status).includes("FieldValueDuplicate spec.ports[1]"));
  });

  it("default/kubernetes is there, with the server as its endpoint", async () => {
    const found = await api.expect(200, "GET", "/api/v1/namespaces/default/services/kubernetes");
    assert.equal(numberAt(listAt(found, "spec", "ports")[0], "port"), 443);
    await api.expect(200, "GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
    await api.expect(403, "DELETE", "/api/v1/namespaces/default");
  });
});
