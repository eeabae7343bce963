import assert from "node:assert/strict";
import { test } from "node:test";
import { FenceLostError } from "../apply/errors.ts";
import { systemClock } from "../kube/clock.ts";
import { keepBeating } from "./beat.ts";

/** Beats for `rounds` pauses. `others` is called before each, and may request numbers of its own. */
async function beat(chassis: number, rounds: number, others: () => number = () => 0, failure?: Error) {
  const ending = new AbortController();
  const pauses: number[] = [];
  let asked = 0;
  const generations = {
    last: 1,
    chassis,
    reached: async () => {
      if (failure) throw failure;
      asked++;
      generations.last++;
      return true;
    },
  };
  const clock = {
    ...systemClock,
    after: (ms: number, action: () => void) => {
      pauses.push(ms);
      generations.last += others();
      queueMicrotask(pauses.length > rounds ? () => ending.abort() : action);
      return () => undefined;
    },
  };
  await keepBeating(generations, clock, ending.signal);
  return { asked, pauses };
}

test("a number is requested after each pause, every ten seconds in a small cluster", async () => {
  const { asked, pauses } = await beat(3, 5);
  assert.equal(asked, 5);
  assert.deepEqual(new Set(pauses), new Set([10_000]));
});

test("with a thousand chassis it is requested once in 50 seconds", async () => {
  assert.equal((await beat(1_000, 2)).pauses[0], 50_000);
});

test("nothing is requested while others request numbers", async () => {
  assert.equal((await beat(3, 5, () => 1)).asked, 0);
});

test("a database that is away is asked again, and a lost fence ends it", async () => {
  assert.equal((await beat(3, 5, () => 0, new Error("away"))).asked, 0);
  await assert.rejects(
    beat(3, 5, () => 0, new FenceLostError("lost")),
    FenceLostError,
  );
});
