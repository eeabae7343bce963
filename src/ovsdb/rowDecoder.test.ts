import assert from "node:assert/strict";
import { test } from "node:test";
import { RowDecoder } from "./rowDecoder.ts";
import { parseSchema, type TableSchema } from "./schema.ts";

const unlimited = { min: 0, max: "unlimited" };
const columns = {
  name: { type: "string" },
  tag: { type: { key: "integer", min: 0 } },
  tags: { type: { key: "integer", ...unlimited } },
  ids: { type: { key: "string", value: "string", ...unlimited } },
};

function tableWith(columnsOfTable: object): TableSchema {
  const table = parseSchema({ name: "Db", tables: { T: { columns: columnsOfTable } } }).tables.get("T");
  assert(table);
  return table;
}

const table = tableWith(columns);
const decoder = new RowDecoder(table, table, table.columns.keys(), (atom) => atom);

const row = { _uuid: "u", name: "a", tag: 1, tags: [1, 2], ids: new Map([["k", "v"]]) };
const wire = { name: "a", tag: 1, tags: ["set", [1, 2]], ids: ["map", [["k", "v"]]] };

test("a new row holds the default in each column that was left out", () => {
  assert.deepEqual(decoder.after("u", undefined, { insert: wire }), row);
  assert.deepEqual(decoder.after("u", undefined, { initial: {} }), {
    _uuid: "u",
    name: "",
    tag: undefined,
    tags: [],
    ids: new Map(),
  });
});

test("a change replaces plain columns and applies differences to sets and maps, on a new object", () => {
  const difference = {
    name: "b",
    tag: ["set", []],
    tags: ["set", [2, 3]],
    ids: [
      "map",
      [
        ["k", "v"],
        ["n", "w"],
      ],
    ],
  };
  assert.deepEqual(decoder.after("u", row, { modify: difference }), {
    _uuid: "u",
    name: "b",
    tag: undefined,
    tags: [1, 3],
    ids: new Map([["n", "w"]]),
  });
  assert.equal(row.name, "a");
});

test("the updates of the plain RFC come as whole rows", () => {
  const { name: _, ...rest } = wire;
  assert.deepEqual(decoder.after("u", row, { old: { name: "a" }, new: { ...rest, name: "b" } }), {
    ...row,
    name: "b",
  });
  assert.equal(decoder.after("u", row, { old: wire }), undefined);
});

test("a deleted row is undefined", () => {
  assert.equal(decoder.after("u", row, { delete: null }), undefined);
});

test("a column is asked for only when the server has it in the same shape, and holds its default otherwise", () => {
  const server = tableWith({
    name: { type: "string" },
    tag: { type: "string" },
    ids: columns.ids,
    new_one: { type: "string" },
  });
  const narrow = new RowDecoder(table, server, table.columns.keys(), (atom) => atom);
  assert.deepEqual(narrow.columns, ["name", "ids"]);
  const found = narrow.after("u", undefined, { insert: { name: "a", new_one: "x" } });
  assert.deepEqual(found, { _uuid: "u", name: "a", tag: undefined, tags: [], ids: new Map() });
});

test("a change of a row that is not known, and what is no row at all, are protocol errors", () => {
  for (const update of [{ modify: {} }, null, [], "x", { insert: 1 }, { insert: { name: 1 } }])
    assert.throws(() => decoder.after("u", undefined, update), { code: "protocol error" });
});
