import assert from "node:assert/strict";
import { test } from "node:test";
import { constantName, tableTypeNames } from "./typeNames.ts";

test("a constant is named after its file, in words that TypeScript takes", () => {
  const names = ["northbound", "ovn-nb", "local-config", "my_db", "v1.2", "3com", "class", "a b.c-d"];
  assert.deepEqual(names.map(constantName), [
    "northbound",
    "ovnNb",
    "localConfig",
    "my_db",
    "v12",
    "_3com",
    "class_",
    "aBCD",
  ]);
});

test("tables have types of different names, however alike theirs are", () => {
  const tables = ["Logical_Port", "LogicalPort", "port", "Port", "_1x", "Logical_Port_"];
  assert.deepEqual(
    [...tableTypeNames(tables)],
    [
      ["Logical_Port", "LogicalPort"],
      ["LogicalPort", "LogicalPort_"],
      ["port", "Port"],
      ["Port", "Port_"],
      ["_1x", "_1x"],
      ["Logical_Port_", "LogicalPort__"],
    ],
  );
});
