import assert from "node:assert/strict";
import { test } from "node:test";
import { Repairs } from "./repairs.ts";

/** The seconds at which a change is put back that is there again at once, during two minutes. */
function fight(): readonly number[] {
  const repairs = new Repairs(() => undefined);
  const at: number[] = [];
  for (let second = 0; second <= 120; second++) {
    if (!repairs.isDue(second * 1000)) continue;
    repairs.done("weft0 is down", second * 1000);
    at.push(second);
  }
  return at;
}

test("what is changed again at once is put back less and less often, but at least twice a minute", () => {
  assert.deepEqual(fight(), [0, 1, 2, 3, 5, 9, 17, 33, 63, 93]);
});

test("who changes it again and again is reported, until there has been peace for a while", () => {
  const repairs = new Repairs(() => undefined);
  for (const second of [0, 10, 20]) repairs.done("weft0 is down", second * 1000);
  assert.equal(repairs.contested(20_000), undefined);
  repairs.done("weft0 is down", 30_000);
  assert.match(repairs.contested(100_000) ?? "", /: weft0 is down; the agent has put it back 4 times$/);
  assert.equal(repairs.contested(120_000), undefined);
  assert.equal(repairs.isDue(120_000), true);
});

test("several things that were changed once are no fight", () => {
  const repairs = new Repairs(() => undefined);
  for (const what of ["a", "b", "c", "d", "e"]) repairs.done(what, 0);
  assert.equal(repairs.contested(0), undefined);
  assert.equal(repairs.isDue(0), true);
});
