import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ShardedMap } from "./shardedMap.ts";

const key = fc.oneof(fc.string(), fc.integer({ min: -3, max: 3 }), fc.double(), fc.boolean());
const change = fc.record({ key, value: fc.option(fc.nat()) });

/** So many that it is split. */
const many = Array.from({ length: 40_000 }, (_, i): [string, number] => [`key-${i}`, i]);

test("it holds what a Map holds after any changes, few entries or many", () => {
  const large = new ShardedMap<string | number | boolean, number>();
  const largeModel = new Map<string | number | boolean, number>(many);
  for (const [name, value] of many) large.set(name, value);
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const small = new ShardedMap<string | number | boolean, number>();
      const smallModel = new Map<string | number | boolean, number>();
      for (const [map, model] of [[small, smallModel] as const, [large, largeModel] as const]) {
        for (const { key: name, value } of changes) {
          if (value === null) assert.equal(map.delete(name), model.delete(name));
          else {
            map.set(name, value);
            model.set(name, value);
          }
          assert.equal(map.get(name), model.get(name));
          assert.equal(map.has(name), model.has(name));
        }
        assert.equal(map.size, model.size);
      }
      assert.deepEqual([...small.entries()], [...smallModel]);
    }),
    { numRuns: 50 },
  );
  assert.deepEqual(new Map(large.entries()), largeModel);
  assert.equal([...large.values()].length, largeModel.size);
});
