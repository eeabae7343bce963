import assert from "node:assert/strict";
import { test } from "node:test";
import { rowUuid } from "./uuid.ts";

test("a row's identity depends on cluster, table and key, and on nothing else", () => {
  assert.equal(rowUuid("demo", "Logical_Switch", "n1"), rowUuid("demo", "Logical_Switch", "n1"));
  const others = [
    rowUuid("demo", "Logical_Switch", "n1"),
    rowUuid("prod", "Logical_Switch", "n1"),
    rowUuid("demo", "Logical_Router", "n1"),
    rowUuid("demo", "Logical_Switch", "n2"),
  ];
  assert.equal(new Set(others).size, 4);
});

test("identities never change between versions of Weft: rows in databases are found by them", () => {
  assert.equal(rowUuid("demo", "Logical_Switch", "n1"), "cba70483-d197-5ce9-8b09-f15f45b10674");
});

test("an identity is a version 5 UUID of RFC 9562", () => {
  assert.match(
    rowUuid("a", "b", "c"),
    /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});
