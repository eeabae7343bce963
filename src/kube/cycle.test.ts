import assert from "node:assert/strict";
import { test } from "node:test";
import { beginning, type Cycle, type Failure, nextAfter, type Outcome } from "./cycle.ts";

const other: Failure = { type: "other" };
const expired: Failure = { type: "expired" };
const refused: Failure = { type: "refused" };
const ended = (lively: boolean, failure?: Failure): Outcome => ({
  type: "caught up",
  resourceVersion: "9",
  lively,
  failure,
});
const watching = (failures = 0): Cycle => ({ step: { type: "watch", resourceVersion: "5" }, failures });
const paging = (cursor: string, failures = 0): Cycle => ({ step: { type: "page", cursor }, failures });
const onWatch = (failures = 0): Cycle => ({ step: { type: "watch", resourceVersion: "9" }, failures });

const table: readonly (readonly [string, Cycle, Outcome, Cycle, number])[] = [
  ["a list that is complete is followed by a watch", paging("x"), ended(false), onWatch(), 0],
  ["a page is followed by the next", paging(""), { type: "page taken", cursor: "x" }, paging("x"), 0],
  ["a watch that ended is resumed at once", watching(3), ended(true), onWatch(), 0],
  ["a watch that broke is resumed after a moment", watching(3), ended(true, other), onWatch(1), 125],
  ["a watch that keeps breaking is resumed later", watching(3), ended(false, other), onWatch(4), 1000],
  ["a watch that ends at once has failed", watching(1), ended(false), onWatch(2), 250],
  [
    "a version that is forgotten leads to a list",
    watching(0),
    ended(false, expired),
    { step: beginning.step, failures: 1 },
    125,
  ],
  ["a refused watch is tried again", watching(3), ended(false, refused), onWatch(4), 1000],
  [
    "a watch that is refused again and again gives way to a list",
    watching(4),
    ended(false, refused),
    { step: beginning.step, failures: 5 },
    2000,
  ],
  [
    "a server that is away for long is resumed all the same",
    watching(4),
    ended(false, other),
    onWatch(5),
    2000,
  ],
  [
    "a list does not excuse earlier failures, so a forgetful server is not listed in a tight loop",
    { step: beginning.step, failures: 4 },
    ended(false),
    onWatch(4),
    0,
  ],
  [
    "a refused streamed list becomes pages at once",
    beginning,
    { type: "list broken", failure: { type: "streamed list refused" } },
    paging(""),
    0,
  ],
  [
    "a page that failed is asked for again",
    paging("x"),
    { type: "list broken", failure: other },
    paging("x", 1),
    125,
  ],
  [
    "an expired continue token restarts the pages",
    paging("x"),
    { type: "list broken", failure: expired },
    paging("", 1),
    125,
  ],
  [
    "a streamed list that failed begins anew",
    beginning,
    { type: "list broken", failure: other },
    { ...beginning, failures: 1 },
    125,
  ],
  [
    "what the server asks for comes on top of the back-off",
    paging("x"),
    { type: "list broken", failure: { type: "other", retryAfterMs: 7000 } },
    paging("x", 1),
    7125,
  ],
];

for (const [sentence, cycle, outcome, expected, delayMs] of table) {
  test(sentence, () => assert.deepEqual(nextAfter(cycle, outcome, 0), { cycle: expected, delayMs }));
}

test("the back-off is bounded, and half of it is chance", () => {
  const outcome = ended(false, other);
  assert.equal(nextAfter(watching(1000), outcome, 0).delayMs, 15_000);
  assert.ok(nextAfter(watching(1000), outcome, 0.999).delayMs > 29_900);
});
