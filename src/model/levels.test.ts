import assert from "node:assert/strict";
import { test } from "node:test";
import { levelCount, levelsOf } from "./levels.ts";

type Action = "Accept" | "Deny" | "Pass";
const levels = (tier: "Admin" | "Baseline", ...actions: readonly Action[]) =>
  levelsOf(
    tier,
    actions.map((action) => ({ action })),
  ).map(({ level }) => level);

test("rules that do the same share a level, and each change takes the next one", () => {
  assert.deepEqual(levels("Admin", "Deny", "Deny", "Accept", "Accept", "Deny"), [0, 0, 1, 1, 2]);
  assert.deepEqual(levels("Admin", "Accept", "Deny"), [1, 2]);
});

test("a Pass has the level of what comes before it, and in the Baseline tier it accepts", () => {
  assert.deepEqual(levels("Admin", "Pass", "Deny", "Pass", "Accept"), [-1, 0, 0, 1]);
  assert.deepEqual(levels("Baseline", "Pass", "Deny"), [1, 2]);
});

test("beyond the last level what denies shares it, and what accepts has none", () => {
  for (const tier of ["Admin", "Baseline"] as const) {
    const alternating = Array.from(
      { length: levelCount[tier] + 3 },
      (_, nth): Action => (nth % 2 === 0 ? "Deny" : "Accept"),
    );
    const found = levels(tier, ...alternating);
    const last = levelCount[tier] - 1;
    assert.deepEqual(found.slice(last - 1), [last - 1, last, undefined, last, undefined]);
  }
});
