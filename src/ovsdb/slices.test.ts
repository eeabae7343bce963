import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Slices } from "./slices.ts";

const fail = (error: unknown): never => assert.fail(String(error));

/** A job of `steps` steps that notes each one; a slow step takes `stepMs`. */
function* job(name: string, steps: number, seen: string[], stepMs = 0): Generator<void> {
  for (let step = 0; step < steps; step++) {
    const until = performance.now() + stepMs;
    while (performance.now() < until);
    seen.push(name);
    yield;
  }
}

test("a short job is done when add returns", () => {
  const seen: string[] = [];
  new Slices(fail).add(job("a", 3, seen));
  assert.deepEqual(seen, ["a", "a", "a"]);
});

test("a long job lets the event loop turn, and the job behind it waits for its end", async () => {
  const seen: string[] = [];
  const slices = new Slices(fail);
  slices.add(job("long", 100, seen, 1));
  slices.add(job("next", 1, seen));
  assert(seen.length < 100);
  while (seen.length < 101) await turn();
  assert.deepEqual([seen[0], seen[99], seen[100]], ["long", "long", "next"]);
});

test("dropped jobs do nothing more", async () => {
  const seen: string[] = [];
  const slices = new Slices(fail);
  slices.add(job("long", 100, seen, 1));
  const { length } = seen;
  slices.clear();
  await turn();
  await turn();
  assert.equal(seen.length, length);
});

test("a job that throws is reported, ends those behind it, and new ones run", () => {
  const errors: unknown[] = [];
  const seen: string[] = [];
  const slices = new Slices((error) => errors.push(error));
  const broken = function* (): Generator<void> {
    slices.add(job("behind", 1, seen));
    yield;
    throw new Error("broken");
  };
  slices.add(broken());
  slices.add(job("after", 1, seen));
  assert.equal(errors.length, 1);
  assert.deepEqual(seen, ["after"]);
});
