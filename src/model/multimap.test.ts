import assert from "node:assert/strict";
import { test } from "node:test";
import { Multimap } from "./multimap.ts";

test("a key has each of its values once, in the order in which they came", () => {
  const map = new Multimap<string, number>();
  assert.deepEqual(
    [map.add("a", 2), map.add("a", 1), map.add("a", 2), map.add("b", 2)],
    [true, true, false, true],
  );
  assert.deepEqual([...map.get("a")], [2, 1]);
  assert.deepEqual([...map.get("b")], [2]);
});

test("a value is deleted once, and a key without values is as one that never was", () => {
  const map = new Multimap<string, number>();
  map.add("a", 1);
  map.add("a", 2);
  assert.deepEqual([map.delete("a", 1), map.delete("a", 1), map.delete("b", 1)], [true, false, false]);
  assert.deepEqual([map.delete("a", 2), [...map.get("a")]], [true, []]);
});

test("taking a key returns all its values and leaves none", () => {
  const map = new Multimap<string, number>();
  map.add("a", 1);
  map.add("a", 2);
  assert.deepEqual([...map.take("a")], [1, 2]);
  assert.deepEqual([...map.take("a")], []);
});
