import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProcessRecord } from "../process/record.ts";
import { type Duty, deathsWith, dutyTo, recentMs } from "./duty.ts";

const now = 1_000_000_000;
const record: ProcessRecord = { name: "n1-vswitchd", argv: [], env: {}, pid: 7, startTime: "1" };
const died = (...agoMs: readonly number[]): ProcessRecord => ({
  ...record,
  noted: true,
  deaths: agoMs.map((ago) => now - ago),
});

const cases: readonly (readonly [string, ProcessRecord, boolean, Duty])[] = [
  ["runs", record, true, "nothing"],
  ["runs again after a death", { ...died(1), noted: false }, true, "nothing"],
  ["was stopped on purpose", { ...record, stopped: true }, false, "nothing"],
  ["has died", record, false, "note"],
  ["has died again", { ...died(5_000), noted: false }, false, "note"],
  ["died just now", died(499), false, "nothing"],
  ["died half a second ago", died(500), false, "start"],
  ["died a third time a second ago", died(9_000, 5_000, 1_000), false, "nothing"],
  ["died a third time two seconds ago", died(9_000, 5_000, 2_000), false, "start"],
  ["died five times", died(50_000, 40_000, 30_000, 20_000, 10_000), false, "nothing"],
  ["was stopped after a death", { ...died(9_000), stopped: true }, false, "nothing"],
];

for (const [what, given, isAlive, duty] of cases)
  test(`a process that ${what}: ${duty}`, () => assert.equal(dutyTo(given, isAlive, now), duty));

test("a death long ago does not count", () => {
  assert.deepEqual(deathsWith(died(recentMs, recentMs - 1), now), [now - recentMs + 1, now]);
});
