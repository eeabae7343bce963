import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OvsdbError } from "./errors.ts";
import { parseSchema } from "./schema.ts";

test("a column's type says how its values look", () => {
  const columns = {
    scalar: { type: "string" },
    optional: { type: { key: "string", min: 0 } },
    set: { type: { key: "string", min: 0, max: "unlimited" } },
    limited: {
      type: { key: { type: "integer", minInteger: 1, maxInteger: 9 }, min: 1, max: 3 },
      mutable: false,
    },
    map: {
      type: {
        key: "string",
        value: { type: "uuid", refTable: "T", refType: "weak" },
        min: 0,
        max: "unlimited",
      },
    },
  };
  const table = parseSchema({
    name: "Db",
    version: "1.2.3",
    tables: { T: { columns, maxRows: 1 } },
  }).tables.get("T");
  assert.equal(table?.maxRows, 1);
  const kinds = [...(table?.columns ?? [])].map(([name, { kind }]) => [name, kind]);
  assert.deepEqual(kinds, [
    ["scalar", "scalar"],
    ["optional", "optional"],
    ["set", "set"],
    ["limited", "set"],
    ["map", "map"],
  ]);
  assert.deepEqual(table?.columns.get("limited"), {
    kind: "set",
    key: { type: "integer", minimum: 1, maximum: 9 },
    min: 1,
    max: 3,
    ephemeral: false,
    mutable: false,
  });
  assert.deepEqual(table?.columns.get("map")?.value, { type: "uuid", refTable: "T", refType: "weak" });
});

test("when no table is marked as root, every table is", () => {
  const roots = (marks: readonly object[]): boolean[] => {
    const tables = Object.fromEntries(marks.map((mark, i) => [`T${i}`, { columns: {}, ...mark }]));
    return [...parseSchema({ name: "Db", tables }).tables.values()].map(({ isRoot }) => isRoot);
  };
  assert.deepEqual(roots([{}, {}]), [true, true]);
  assert.deepEqual(roots([{ isRoot: true }, {}]), [true, false]);
});

test("names that are no identifiers cannot reach generated code or objects", () => {
  for (const name of ["__proto__", "a b", "x;y", ""]) {
    const tables = JSON.parse(`{${JSON.stringify(name)}: {"columns": {}}}`);
    assert.throws(() => parseSchema({ name: "Db", tables }), { code: "invalid schema" });
  }
});

test("whatever JSON comes instead of a schema is refused with a clear error", () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.record({
      name: fc.constant("Db"),
      tables: fc.dictionary(fc.constant("T"), fc.record({ columns: fc.jsonValue() })),
    }),
  );
  fc.assert(
    fc.property(anything, (json) => {
      try {
        parseSchema(json);
      } catch (error) {
        assert(error instanceof OvsdbError && error.code === "invalid schema");
      }
    }),
  );
});
