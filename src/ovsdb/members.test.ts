import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Atom } from "./columnValue.ts";
import { mapAfter, setAfter } from "./columnValue.ts";
import { Members } from "./members.ts";

const texts = fc.integer({ min: 0, max: 3_000 }).map((number) => `10.0.${number >> 8}.${number & 255}`);
const sets = fc.uniqueArray(texts, { maxLength: 2_000, size: "max" });
const maps = fc
  .array(fc.tuple(texts, fc.constantFrom("v", "w")), { maxLength: 2_000, size: "max" })
  .map((entries) => new Map(entries));
const inOrder = (atoms: Iterable<Atom>): readonly Atom[] => [...atoms].sort((a, b) => (a < b ? -1 : 1));
const few = { numRuns: 50 };

test("a set after a difference is what a copy of it would be, and the old one stays as it was", () => {
  fc.assert(
    fc.property(sets, fc.array(sets, { maxLength: 4 }), (start, differences) => {
      let members = Members.of(start);
      let plain = inOrder(start);
      for (const difference of differences) {
        const before = members;
        const same = before.value();
        members = before.after(difference);
        plain = inOrder(setAfter(plain, difference));
        assert.deepEqual(members.value(), plain);
        assert.deepEqual([...members.keys()], plain);
        assert.equal(members.size, plain.length);
        assert.deepEqual(before.value(), same);
        assert.deepEqual(inOrder(members.changedSince(before)), inOrder(difference));
        for (const key of difference) assert.equal(members.get(key), plain.includes(key) ? key : undefined);
      }
    }),
    few,
  );
});

test("a map after a difference is what a copy of it would be", () => {
  fc.assert(
    fc.property(maps, maps, (start, difference) => {
      const before = Members.of(start);
      const after = before.after(difference);
      const plain = mapAfter(start, difference);
      assert.deepEqual(after.value(), plain);
      assert.deepEqual(inOrder(after.changedSince(before)), inOrder(difference.keys()));
      for (const key of [...difference.keys(), "none"]) assert.equal(after.get(key), plain.get(key));
    }),
    few,
  );
});

test("two sets made apart differ by their members, not by how they came about", () => {
  fc.assert(
    fc.property(sets, sets, (a, b) => {
      const changed = new Set(Members.of(b).changedSince(Members.of(a)));
      assert.deepEqual(changed, new Set(a).symmetricDifference(new Set(b)));
    }),
    few,
  );
});
