import assert from "node:assert/strict";
import { test } from "node:test";
import type { AtomicGroup } from "./atomicGroup.ts";
import { Penalties } from "./penalties.ts";

const group = (name: string): AtomicGroup => ({
  id: "r",
  changes: [{ kind: "insert", table: "T", uuid: "r", owners: ["a"], columns: new Map([["name", name]]) }],
  needs: [],
  removes: false,
  incomplete: false,
});

test("a refused group is tried after one second, then after twice as long each time, up to a minute", () => {
  const penalties = new Penalties();
  let now = 0;
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 8; attempt++) {
    assert.ok(penalties.mayTry(group("x")));
    const { retryInMs, attempts } = penalties.add(group("x"), now);
    assert.equal(attempts, attempt);
    assert.equal(penalties.mayTry(group("x")), false);
    assert.deepEqual(penalties.takeDue(now + retryInMs - 1), []);
    now = penalties.nextDue ?? 0;
    assert.deepEqual(
      penalties.takeDue(now).map(({ uuid }) => uuid),
      ["r"],
    );
    waits.push(retryInMs);
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

test("a group whose facts changed is tried at once, and forgotten when it succeeds", () => {
  const penalties = new Penalties();
  penalties.add(group("bad"), 0);
  penalties.forgetTried();
  assert.equal(penalties.size, 1);
  assert.ok(penalties.mayTry(group("good")));
  penalties.forgetTried();
  assert.deepEqual([penalties.size, penalties.nextDue], [0, undefined]);
});
