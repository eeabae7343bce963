import assert from "node:assert/strict";
import { test } from "node:test";
import { type BirthStep, Births, birthSteps } from "./births.ts";

function birthsAt(): {
  births: Births;
  clock: { now: number };
  born: string[];
  steps: [BirthStep, number][];
} {
  const clock = { now: 100 };
  const born: string[] = [];
  const steps: [BirthStep, number][] = [];
  const births = new Births({
    now: () => clock.now,
    onStep: (step, ms) => steps.push([step, ms]),
    onBorn: (pod) => born.push(pod),
  });
  return { births, clock, born, steps };
}

test("a pod is born when its last step is reached, and each step is timed from the one before", () => {
  const { births, clock, born, steps } = birthsAt();
  for (const step of birthSteps) {
    births.reach("shop/web", step);
    clock.now += 10;
  }
  assert.deepEqual(born, ["shop/web"]);
  assert.deepEqual(steps, [
    ["seen", 0],
    ["decided", 10],
    ["committed", 10],
    ["bound", 10],
    ["installed", 10],
  ]);
  assert.equal(births.inFlight, 0);
});

test("a birth that never ends is forgotten", () => {
  const { births, clock } = birthsAt();
  births.reach("shop/pooled", "seen");
  clock.now += 600_001;
  births.reach("shop/next", "seen");
  assert.equal(births.inFlight, 1);
});

test("a pod that already had an address when the controller started is not timed", () => {
  const { births, born } = birthsAt();
  births.reach("shop/web", "installed");
  assert.deepEqual([births.inFlight, born.length], [0, 0]);
});

test("a pod that is deleted before it is born is forgotten", () => {
  const { births } = birthsAt();
  births.reach("shop/web", "seen");
  births.forget("shop/web");
  assert.equal(births.inFlight, 0);
});
