import assert from "node:assert/strict";
import { test } from "node:test";
import type { Row } from "./database.ts";
import { changedColumns, changedMembers, memberLookup, membersOf, sameLarge } from "./largeColumn.ts";
import { RowDecoder } from "./rowDecoder.ts";
import { parseSchema } from "./schema.ts";

const unlimited = { min: 0, max: "unlimited" };
const columns = {
  name: { type: "string" },
  addresses: { type: { key: "string", ...unlimited } },
  records: { type: { key: "string", value: "string", ...unlimited } },
};
const table = parseSchema({ name: "Db", tables: { T: { columns } } }).tables.get("T");
assert(table);
const decoder = new RowDecoder(table, table, table.columns.keys());

const addresses = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, index) => `10.0.0.${from + index}`);
const entries = (keys: readonly string[], value = "v"): readonly (readonly [string, string])[] =>
  keys.map((key) => [key, value]);

function rowWith(keys: readonly string[]): Row {
  const wire = { name: "a", addresses: ["set", keys], records: ["map", entries(keys)] };
  const row = decoder.after("u", undefined, { insert: wire });
  assert(row);
  return row;
}

function changed(row: Row, keys: readonly string[]): Row {
  const modify = { addresses: ["set", keys], records: ["map", entries(keys)] };
  const after = decoder.after("u", row, { modify });
  assert(after);
  return after;
}

const columnOf = (row: Row, name: string): unknown => row[name];

test("a row with large columns reads like any other, before and after a change", () => {
  const all = addresses(0, 2_000).toSorted();
  const old = rowWith(all);
  const row = changed(old, [...addresses(1_999, 2_001)]);
  const kept = [...all.filter((address) => address !== "10.0.0.1999"), "10.0.0.2000"].toSorted();
  assert.deepEqual(columnOf(old, "addresses"), all);
  assert.deepEqual(columnOf(row, "addresses"), kept);
  assert.deepEqual(columnOf(row, "records"), new Map(entries(kept)));
  assert.deepEqual(Object.keys(row), ["_uuid", "name", "addresses", "records"]);
  assert.deepEqual({ ...row }, { _uuid: "u", name: "a", addresses: kept, records: new Map(entries(kept)) });
  assert.equal(row.addresses, row.addresses);
});

test("a column becomes large and small again as it grows and shrinks", () => {
  let row = rowWith(addresses(0, 3));
  for (const [from, to] of [
    [3, 2_000],
    [5, 2_000],
    [5, 900],
    [0, 899],
  ] as const)
    row = changed(row, addresses(from, to));
  assert.deepEqual(columnOf(row, "addresses"), ["10.0.0.899"]);
  assert.deepEqual([...membersOf(row, "records")], ["10.0.0.899"]);
});

test("what changed between two versions of a row is told by column and by member, large or small", () => {
  for (const size of [5, 511, 512, 5_000]) {
    const old = rowWith(addresses(0, size));
    const row = changed(old, ["new", "10.0.0.3"]);
    assert.deepEqual(changedColumns(old, row), ["addresses", "records"]);
    for (const column of ["addresses", "records"])
      assert.deepEqual(new Set(changedMembers(old, row, column)), new Set(["new", "10.0.0.3"]), `${size}`);
    const renamed = decoder.after("u", row, { modify: { name: "b" } });
    assert(renamed);
    assert.deepEqual(changedColumns(row, renamed), ["name"]);
  }
});

test("members are looked up in sets, in maps, in single values, and in rows that are not there", () => {
  for (const size of [20, 2_000]) {
    const row = rowWith(addresses(0, size));
    const inSet = memberLookup(row, "addresses");
    const inMap = memberLookup(row, "records");
    for (const address of addresses(0, 20))
      assert.deepEqual([inSet(address), inMap(address)], [address, "v"], `${size}`);
    assert.deepEqual([inSet("none"), inMap("none")], [undefined, undefined]);
  }
  const row = rowWith([]);
  assert.deepEqual([memberLookup(row, "name")("a"), memberLookup(row, "name")("b")], ["a", undefined]);
  assert.equal(memberLookup(undefined, "name")("a"), undefined);
});

test("two copies of a large column are the same when their members are", () => {
  const row = rowWith(addresses(0, 2_000));
  assert.equal(sameLarge(row, rowWith(addresses(0, 2_000).toReversed()), "addresses"), true);
  assert.equal(sameLarge(row, rowWith(addresses(1, 2_001)), "addresses"), false);
  assert.equal(sameLarge(row, rowWith(["few"]), "addresses"), undefined);
});
