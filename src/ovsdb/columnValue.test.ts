import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mapAfter, sameValue, setAfter } from "./columnValue.ts";

const small = fc.integer({ min: 0, max: 9 });
const members = fc.uniqueArray(small).map((set) => set.sort((a, b) => a - b));

test("a set's difference leads from the old set to the new one, in the server's order", () => {
  fc.assert(
    fc.property(members, members, (before, after) => {
      const difference = [
        ...before.filter((member) => !after.includes(member)),
        ...after.filter((member) => !before.includes(member)),
      ];
      assert.deepEqual(setAfter(before, difference), after);
    }),
  );
});

test("a map's difference leads from the old map to the new one", () => {
  const entries = fc.array(fc.tuple(small, small)).map((pairs) => new Map(pairs));
  fc.assert(
    fc.property(entries, entries, (before, after) => {
      const gone = [...before].filter(([key]) => !after.has(key));
      const set = [...after].filter(([key, value]) => before.get(key) !== value);
      assert(sameValue(mapAfter(before, new Map([...gone, ...set])), after));
    }),
  );
});

test("sets and maps are equal whatever their order, and differ when a member does", () => {
  assert(sameValue([1, 2, 3], [3, 1, 2]));
  assert(!sameValue([1, 2], [1, 3]));
  assert(!sameValue([1, 2], [1]));
  assert(sameValue(new Map([["a", 1]]), new Map([["a", 1]])));
  assert(!sameValue(new Map([["a", 1]]), new Map([["a", 2]])));
  assert(!sameValue([], new Map()));
  assert(!sameValue(undefined, []));
});
