// CustomResourceDefinitions and the objects they make possible. Runs against the sandbox's server, or against any other
// whose kubeconfig WEFT_API_KUBECONFIG names.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type JsonObject, listAt, numberAt, objectAt, textAt } from "../../sandbox/api/json.ts";
import { fields, mergePatch, names, version } from "./apiObjects.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/** Unique to this run: definitions belong to the whole cluster. */
const group = `t${randomBytes(3).toString("hex")}.weft.example`;
const looms = `${group}/v1`;

const schema: JsonObject = {
  type: "object",
  required: ["spec"],
  properties: {
    spec: {
      type: "object",
      required: ["warp"],
      properties: {
        warp: { type: "integer", minimum: 1 },
        color: { type: "string", enum: ["red", "blue"], default: "blue" },
        pattern: { type: "string", pattern: "^[a-z]+$", maxLength: 5 },
        port: { "x-kubernetes-int-or-string": true },
        threads: {
          type: "array",
          maxItems: 2,
          items: { type: "object", required: ["id"], properties: { id: { type: "string" } } },
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["id"],
        },
        labels: { type: "object", additionalProperties: { type: "string" } },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        maybe: { type: "string", nullable: true },
      },
    },
    status: { type: "object", properties: { woven: { type: "integer" } } },
  },
};

const definition = (plural: string, kind: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { plural, singular: kind.toLowerCase(), kind, shortNames: [`${plural.slice(0, 2)}x`] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: "Warp", type: "integer", jsonPath: ".spec.warp" },
          { name: "Color", type: "string", jsonPath: ".spec.color" },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
      },
    ],
    ...more,
  },
});

let api: ApiUnderTest;
before(async () => {
  api = await ApiUnderTest.start();
  await define(definition("looms", "Loom"));
});
after(async () => {
  await api.call("DELETE", `${definitions}/looms.${group}`);
  await api[Symbol.asyncDispose]();
});

/** Creates the definition and waits until its objects are served. */
async function define(body: JsonObject): Promise<void> {
  await api.expect(201, "POST", definitions, body);
  const name = textAt(body, "metadata", "name");
  const conditions = async () =>
    listAt((await api.call("GET", `${definitions}/${name}`)).body, "status", "conditions");
  while (
    !(await conditions()).some(
      (one) => textAt(one, "type") === "Established" && textAt(one, "status") === "True",
    )
  )
    await sleep(50);
  const [plural = ""] = name.split(".");
  while ((await api.call("GET", `/apis/${looms}/${plural}`)).code !== 200) await sleep(50);
}

const path = (name = ""): string => api.path(`${looms}/looms${name && `/${name}`}`);
const loom = (name: string, spec: JsonObject, more: JsonObject = {}): JsonObject => ({
  apiVersion: looms,
  kind: "Loom",
  metadata: { name },
  spec,
  ...more,
});
const make = (name: string, spec: JsonObject = { warp: 1 }): Promise<JsonObject> =>
  api.expect(201, "POST", path(), loom(name, spec));

describe("a CustomResourceDefinition", () => {
  it("is refused when its name, its versions or its schema make no sense", async () => {
    const wrong: JsonObject = { ...definition("odds", "Odd"), metadata: { name: "odds.elsewhere" } };
    const named = await api.expect(422, "POST", definitions, wrong);
    assert.ok(fields(named).includes("FieldValueInvalid metadata.name"));
    const versions = [
      { name: "v1", served: true, storage: false, schema: { openAPIV3Schema: { type: "object" } } },
    ];
    const none = await api.expect(422, "POST", definitions, definition("odds", "Odd", { versions }));
    assert.ok(fields(none).includes("FieldValueInvalid spec.versions"));
    const untyped = { type: "object", properties: { spec: {} } };
    const loose = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: untyped } }];
    const odd = await api.expect(422, "POST", definitions, definition("odds", "Odd", { versions: loose }));
    assert.ok(
      fields(odd).includes("FieldValueRequired spec.validation.openAPIV3Schema.properties[spec].type"),
    );
  });

  it("brings its kind into discovery", async () => {
    const groups = await api.expect(200, "GET", "/apis");
    assert.ok(listAt(groups, "groups").some((one) => textAt(one, "name") === group));
    const resources = listAt(await api.expect(200, "GET", `/apis/${looms}`), "resources");
    assert.deepEqual(
      resources.map((one) => textAt(one, "name")),
      ["looms", "looms/status"],
    );
    assert.deepEqual(objectAt(resources[0])["shortNames"], ["lox"]);
  });

  it("takes its objects along when it is deleted, and tells their watches", async () => {
    await define(definition("rags", "Rag"));
    const rags = api.path(`${looms}/rags`);
    const body = { ...loom("old", { warp: 1 }), kind: "Rag" };
    const made = await api.expect(201, "POST", rags, body);
    const events = api.watch(rags, `resourceVersion=${version(made)}`);
    const next = events.next();
    await api.expect(200, "DELETE", `${definitions}/rags.${group}`);
    assert.equal((await next).value?.type, "DELETED");
    await events.return();
    while ((await api.call("GET", `${definitions}/rags.${group}`)).code !== 404) await sleep(50);
    while ((await api.call("GET", rags)).code !== 404) await sleep(50);
  });
});

describe("a custom object", () => {
  it("gets what the schema gives it and loses what the schema does not know", async () => {
    const made = await make("plain", {
      warp: 3,
      weft: 4,
      port: "http",
      labels: { a: "b" },
      free: { any: [1] },
      maybe: null,
    });
    assert.deepEqual(made["spec"], {
      warp: 3,
      color: "blue",
      port: "http",
      labels: { a: "b" },
      free: { any: [1] },
      maybe: null,
    });
    assert.equal(numberAt(made, "metadata", "generation"), 1);
    const strict = await api.expect(
      400,
      "POST",
      `${path()}?fieldValidation=Strict`,
      loom("strict", { warp: 1, weft: 2 }),
    );
    assert.match(textAt(strict, "message"), /unknown field "spec\.weft"/);
    const { warnings } = await api.call("POST", `${path()}?fieldValidation=Warn`, {
      body: loom("warned", { warp: 1, weft: 2 }),
    });
    assert.match(warnings, /unknown field \\"spec\.weft\\"/);
  });

  it("is checked against the schema, field by field", async () => {
    const refused = async (spec: JsonObject): Promise<readonly string[]> =>
      fields(await api.expect(422, "POST", path(), loom("bad", spec)));
    assert.deepEqual(await refused({}), ["FieldValueRequired spec.warp"]);
    assert.deepEqual(await refused({ warp: "1" }), ["FieldValueTypeInvalid spec.warp"]);
    assert.deepEqual(await refused({ warp: 0 }), ["FieldValueInvalid spec.warp"]);
    assert.deepEqual(await refused({ warp: 1, color: "green" }), ["FieldValueNotSupported spec.color"]);
    assert.deepEqual(await refused({ warp: 1, pattern: "A" }), ["FieldValueInvalid spec.pattern"]);
    assert.deepEqual(await refused({ warp: 1, pattern: "abcdef" }), ["FieldValueTooLong spec.pattern"]);
    assert.deepEqual(await refused({ warp: 1, threads: [{}] }), ["FieldValueRequired spec.threads[0].id"]);
    const twice = [{ id: "a" }, { id: "a" }];
    assert.deepEqual(await refused({ warp: 1, threads: twice }), ["FieldValueDuplicate spec.threads[1]"]);
    const none = await api.expect(422, "POST", path(), { ...loom("bad", {}), spec: null });
    assert.deepEqual(fields(none), ["FieldValueRequired spec"]);
  });

  it("is listed, watched, patched, replaced and deleted like any other", async () => {
    const list = await api.expect(200, "GET", path());
    assert.equal(textAt(list, "kind"), "LoomList");
    const events = api.watch(path(), `resourceVersion=${version(list)}`);
    const made = await make("lively");
    const patched = await api.expect(200, "PATCH", path("lively"), { spec: { warp: 2 } }, mergePatch);
    assert.equal(numberAt(patched, "metadata", "generation"), 2);
    await api.expect(409, "PUT", path("lively"), { ...made, spec: { warp: 5 } });
    await api.expect(200, "PUT", path("lively"), { ...patched, spec: { warp: 5 } });
    const strategic = "application/strategic-merge-patch+json";
    await api.expect(415, "PATCH", path("lively"), { spec: { warp: 2 } }, strategic);
    await api.expect(422, "PATCH", path("lively"), { spec: { warp: null } }, mergePatch);
    await api.expect(200, "DELETE", path("lively"));
    const told: string[] = [];
    for await (const { type, object } of events)
      if (told.push(`${type} ${textAt(object, "metadata", "name")}`) === 4) break;
    assert.deepEqual(told, ["ADDED lively", "MODIFIED lively", "MODIFIED lively", "DELETED lively"]);
    assert.ok(!names(await api.expect(200, "GET", path())).includes("lively"));
  });

  it("has its status in a subresource, which nothing else writes", async () => {
    const lost = await api.expect(201, "POST", path(), loom("told", { warp: 1 }, { status: { woven: 1 } }));
    assert.equal(lost["status"], undefined);
    const change = { spec: { warp: 9 }, status: { woven: 2 } };
    await api.expect(200, "PATCH", `${path("told")}/status`, change, mergePatch);
    const found = await api.expect(200, "GET", path("told"));
    assert.equal(numberAt(found, "status", "woven"), 2);
    assert.equal(numberAt(found, "spec", "warp"), 1);
    assert.equal(numberAt(found, "metadata", "generation"), 1);
    await api.expect(422, "PATCH", `${path("told")}/status`, { status: { woven: "x" } }, mergePatch);
  });
});

describe("kubectl", () => {
  it("applies, shows and explains custom objects, and says what is wrong with one", async () => {
    const manifest = (spec: JsonObject): string => JSON.stringify(loom("applied", spec));
    assert.match(await api.kubectlOk(["apply", "-f", "-"], manifest({ warp: 7, pattern: "abc" })), /created/);
    assert.match(
      await api.kubectlOk(["apply", "-f", "-"], manifest({ warp: 7, pattern: "abc" })),
      /unchanged/,
    );
    assert.match(await api.kubectlOk(["apply", "-f", "-"], manifest({ warp: 8 })), /configured/);
    const kept = await api.expect(200, "GET", path("applied"));
    assert.deepEqual(kept["spec"], { warp: 8, color: "blue" });
    assert.match(
      await api.kubectlOk(["get", "lox", "applied"]),
      /^NAME +WARP +COLOR +AGE\napplied +8 +blue +\d+s\n$/,
    );
    const typo = await api.kubectl(["apply", "-f", "-"], manifest({ warp: 8, colour: "red" }));
    assert.match(typo.stderr, /unknown field "spec\.colour"/);
    const wrong = await api.kubectl(["apply", "-f", "-"], manifest({ warp: "many" }));
    assert.match(wrong.stderr, /spec\.warp: Invalid value: "string".*must be of type integer/);
    assert.match(await api.kubectlOk(["explain", "looms.spec"]), /warp\s+<integer> -required-/);
    await api.kubectlOk(["wait", "--for=condition=Established", "crd", `looms.${group}`]);
    assert.match(await api.kubectlOk(["delete", "loom", "applied"]), /deleted/);
  });
});
