import assert from "node:assert/strict";
import { test } from "node:test";
import { NorthdWatch } from "./northdWatch.ts";

function world() {
  let now = 0;
  const replica = { synced: true, subscribe: () => () => undefined, table: () => assert.fail() };
  const northd = new NorthdWatch(replica, () => now);
  const after = (ms: number): boolean => {
    now += ms;
    return northd.problem !== undefined;
  };
  return { northd, replica, after };
}

test("a northd that repeats each number in time follows", () => {
  const { northd, after } = world();
  for (let number = 1; number < 10; number++) {
    northd.take(number, number - 1);
    assert.equal(after(5_000), false);
    northd.take(number, number);
    assert.equal(after(60_000), false);
  }
});

test("a northd that is slower than the numbers come, but follows, is not missed", () => {
  const { northd, after } = world();
  for (let number = 10; number < 50; number++) {
    northd.take(number, number - 3);
    assert.equal(after(3_000), false);
  }
});

test("a northd that repeats nothing any more is missed, however many numbers follow, until it is back", () => {
  const { northd, after } = world();
  northd.take(5, 4);
  assert.equal(after(6_000), false);
  northd.take(6, 4);
  assert.equal(after(6_000), true);
  northd.take(6, 6);
  assert.equal(after(0), false);
});

test("a database that was restored with smaller numbers proves nothing against northd", () => {
  const { northd, after } = world();
  northd.take(100, 99);
  northd.take(3, 3);
  assert.equal(after(60_000), false);
});

test("while the database is away, nothing is known of northd", () => {
  const { northd, replica, after } = world();
  northd.take(5, 4);
  replica.synced = false;
  assert.equal(after(60_000), false);
});
