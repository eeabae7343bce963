import assert from "node:assert/strict";
import { test } from "node:test";
import { Causes } from "../causes.ts";
import type { Json, JsonObject } from "../json.ts";
import { checkSchema } from "./check.ts";
import { atJsonPath } from "./json-path.ts";
import { pruned, withSchemaDefaults } from "./schema.ts";

const faults = (value: Json, schema: JsonObject): readonly string[] => {
  const causes = new Causes();
  checkSchema(value, schema, "it", causes);
  return causes.list.map(({ message }) => message);
};

test("a JSON path reaches fields, list items, conditions and keys with dots", () => {
  const object = {
    metadata: { labels: { "a.b/c": "x" } },
    spec: {
      ports: [
        { name: "http", port: 80 },
        { name: "dns", port: 53 },
      ],
    },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  };
  const cases: readonly (readonly [string, Json | undefined])[] = [
    [".spec.ports[1].port", 53],
    [".spec.ports[*].name", "http"],
    ['.status.conditions[?(@.type=="Ready")].status', "True"],
    [".status.conditions[?(@.type=='Gone')].status", undefined],
    [".metadata.labels.a\\.b/c", "x"],
    [".metadata.labels['a.b/c']", "x"],
    [".spec.none.none", undefined],
  ];
  for (const [path, value] of cases) assert.deepEqual(atJsonPath(object, path), value, path);
});

test("an embedded object keeps its metadata, and fields below preserved ones are still pruned", () => {
  const schema = {
    type: "object",
    properties: {
      template: {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        properties: { spec: { type: "object" } },
      },
      open: {
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true,
        properties: { closed: { type: "object" } },
      },
    },
  };
  const value = {
    template: { kind: "Pod", metadata: { name: "x" }, spec: { a: 1 }, other: 1 },
    open: { any: 1, closed: { thing: 1 } },
  };
  assert.deepEqual(pruned(value, schema), {
    value: { template: { kind: "Pod", metadata: { name: "x" }, spec: {} }, open: { any: 1, closed: {} } },
    unknown: ["template.spec.a", "template.other", "open.closed.thing"],
  });
});

test("a default fills what is missing, also within itself, and leaves what is there", () => {
  const inner = { type: "object", properties: { n: { type: "integer", default: 2 } } };
  const schema = {
    type: "object",
    properties: { a: { ...inner, default: {} }, list: { type: "array", items: inner } },
  };
  assert.deepEqual(withSchemaDefaults({ list: [{}, { n: 1 }] }, schema), {
    a: { n: 2 },
    list: [{ n: 2 }, { n: 1 }],
  });
});

test("bounds, formats and junctions are checked", () => {
  const number = { type: "number", minimum: 1, exclusiveMinimum: true, maximum: 9, multipleOf: 2 };
  assert.deepEqual(faults(4, number), []);
  assert.equal(faults(1, number).length, 2);
  assert.equal(faults(10, number).length, 1);
  assert.equal(faults("10.0.0.0/33", { type: "string", format: "cidr" }).length, 1);
  assert.equal(faults("anything", { type: "string", format: "unheard-of" }).length, 0);
  const either = { type: "object", oneOf: [{ required: ["a"] }, { required: ["b"] }] };
  assert.deepEqual(faults({ a: 1 }, either), []);
  assert.equal(faults({ a: 1, b: 1 }, either).length, 1);
  assert.equal(faults({ a: 1 }, { type: "object", not: { required: ["a"] } }).length, 1);
  assert.equal(faults([1, 1], { type: "array", "x-kubernetes-list-type": "set" }).length, 1);
  assert.equal(faults({ a: 1, b: 2 }, { type: "object", maxProperties: 1 }).length, 1);
});
