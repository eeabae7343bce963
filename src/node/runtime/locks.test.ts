import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Locks } from "./locks.ts";

test("tasks that share a key never overlap, run in the order they came, and all of them end", async () => {
  const keys = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(keys, { maxLength: 12 }), fc.scheduler(), async (tasks, scheduler) => {
      const locks = new Locks();
      const held = new Set<string>();
      const order = new Map<string, number[]>();
      const all = tasks.map((needed, index) =>
        locks.run(needed, async () => {
          for (const key of needed) {
            assert.ok(!held.has(key));
            held.add(key);
            order.set(key, [...(order.get(key) ?? []), index]);
          }
          await scheduler.schedule(Promise.resolve());
          for (const key of needed) held.delete(key);
        }),
      );
      await scheduler.waitFor(Promise.all(all));
      for (const indexes of order.values())
        assert.deepEqual(
          indexes,
          indexes.toSorted((x, y) => x - y),
        );
    }),
    { numRuns: 50 },
  );
});

test("a task that fails lets the next one go on", async () => {
  const locks = new Locks();
  const failing = locks.run(["a"], () => Promise.reject(new Error("no")));
  const next = locks.run(["a"], () => Promise.resolve("done"));
  await assert.rejects(failing, /no/);
  assert.equal(await next, "done");
});
