import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JsonObject } from "../json.ts";
import { schema } from "../schema/schema.ts";
import { strategicPatch } from "./strategic.ts";

const pod = schema.get("Pod");
const service = schema.get("Service");
const containers = (...list: readonly JsonObject[]): JsonObject => ({ spec: { containers: list } });
const one = { name: "one", image: "a:1", env: [{ name: "A", value: "1" }] };
const two = { name: "two", image: "b:1" };

describe("a strategic merge patch", () => {
  it("joins the items of a list by its merge key, at every depth", () => {
    const patch = containers({ name: "one", env: [{ name: "B", value: "2" }] });
    const joined = { ...one, env: [...one.env, { name: "B", value: "2" }] };
    assert.deepEqual(strategicPatch(containers(one, two), patch, pod), containers(joined, two));
  });

  it("appends an item whose key is new", () => {
    assert.deepEqual(strategicPatch(containers(one), containers(two), pod), containers(one, two));
  });

  it("takes an item out with $patch: delete", () => {
    const patch = containers({ name: "one", $patch: "delete" });
    assert.deepEqual(strategicPatch(containers(one, two), patch, pod), containers(two));
  });

  it("puts a whole list in place with $patch: replace", () => {
    const patch = containers({ $patch: "replace" }, two);
    assert.deepEqual(strategicPatch(containers(one), patch, pod), containers(two));
  });

  it("puts a whole object in place with $patch: replace", () => {
    const patch = { metadata: { labels: { $patch: "replace", b: "2" } } };
    assert.deepEqual(strategicPatch({ metadata: { name: "p", labels: { a: "1" } } }, patch, pod), {
      metadata: { name: "p", labels: { b: "2" } },
    });
  });

  it("orders items as $setElementOrder says and leaves those it does not name beside their old neighbours", () => {
    const three = { name: "three", image: "c" };
    const patch = {
      spec: { "$setElementOrder/containers": [{ name: "three" }, { name: "one" }], containers: [] },
    };
    const result = strategicPatch(containers(one, two, three), patch, pod);
    assert.deepEqual(result, containers(two, three, one));
  });

  it("keeps only the fields that $retainKeys names", () => {
    const original = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
    const result = strategicPatch(original, patch, schema.get("Deployment"));
    assert.deepEqual(result, { spec: { strategy: { type: "Recreate" } } });
  });

  it("joins lists of scalars that Kubernetes merges, and takes some out with $deleteFromPrimitiveList", () => {
    const original = { metadata: { finalizers: ["a", "b"] } };
    const patch = { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"], finalizers: ["c"] } };
    assert.deepEqual(strategicPatch(original, patch, pod), { metadata: { finalizers: ["b", "c"] } });
  });

  it("replaces a list that has no merge key", () => {
    const patch = { spec: { clusterIPs: ["10.0.0.2"] } };
    assert.deepEqual(strategicPatch({ spec: { clusterIPs: ["10.0.0.1", "fd::1"] } }, patch, service), patch);
  });

  it("deletes a field that is null and leaves all others", () => {
    const original = { metadata: { name: "p", labels: { a: "1", b: "2" } } };
    const result = strategicPatch(original, { metadata: { labels: { a: null } } }, pod);
    assert.deepEqual(result, { metadata: { name: "p", labels: { b: "2" } } });
  });

  it("refuses an item without its merge key, and a directive it does not know", () => {
    assert.throws(() => strategicPatch(containers(one), containers({ image: "x" }), pod), /merge key: name/);
    assert.throws(() => strategicPatch({}, { spec: { $patch: "explode" } }, pod), /unknown \$patch: explode/);
  });
});
