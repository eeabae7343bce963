import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Json, JsonObject } from "../json.ts";
import { jsonPatch } from "./json-patch.ts";

const document = { list: [1, 2, 3], map: { a: "x", "b/c": "y" } };

/** operation, what the document becomes: the examples of RFC 6902, appendix A, on one document */
const cases: readonly (readonly [string, JsonObject, Json])[] = [
  [
    "adds a field",
    { op: "add", path: "/map/new", value: true },
    { ...document, map: { ...document.map, new: true } },
  ],
  ["inserts before an index", { op: "add", path: "/list/1", value: 9 }, { ...document, list: [1, 9, 2, 3] }],
  ["appends at -", { op: "add", path: "/list/-", value: 4 }, { ...document, list: [1, 2, 3, 4] }],
  ["removes an item", { op: "remove", path: "/list/0" }, { ...document, list: [2, 3] }],
  [
    "replaces a field",
    { op: "replace", path: "/map/a", value: null },
    { ...document, map: { ...document.map, a: null } },
  ],
  ["reads ~1 as /", { op: "remove", path: "/map/b~1c" }, { ...document, map: { a: "x" } }],
  [
    "copies",
    { op: "copy", from: "/list/0", path: "/map/a" },
    { ...document, map: { ...document.map, a: 1 } },
  ],
  ["moves", { op: "move", from: "/map/a", path: "/list/0" }, { list: ["x", 1, 2, 3], map: { "b/c": "y" } }],
  ["tests and goes on", { op: "test", path: "/map/a", value: "x" }, document],
];

describe("a JSON patch", () => {
  for (const [name, operation, expected] of cases)
    it(name, () => assert.deepEqual(jsonPatch(document, [operation]), expected));

  const refused: readonly (readonly [string, Json, RegExp])[] = [
    ["a test that fails", [{ op: "test", path: "/map/a", value: "z" }], /testing value \/map\/a failed/],
    ["a field that is not there", [{ op: "remove", path: "/nothing" }], /nothing is at nothing/],
    ["an index past the end", [{ op: "add", path: "/list/7", value: 1 }], /7 is not an index/],
    ["an operation it does not know", [{ op: "grow", path: "/map" }], /unexpected operation/],
    ["an operation without a value", [{ op: "add", path: "/map/z" }], /lacks a value/],
    ["something that is no list", { op: "add" }, /a list of operations/],
  ];
  for (const [name, operations, message] of refused)
    it(`refuses ${name}`, () => assert.throws(() => jsonPatch(document, operations), message));
});
