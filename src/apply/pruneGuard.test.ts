import assert from "node:assert/strict";
import { test } from "node:test";
import { RowMap } from "../desired/rowMap.ts";
import { deletions, guard, sort } from "./pruneGuardFixture.ts";

test("nothing is admitted before everything has synced, not even what was approved", () => {
  const g = guard();
  assert.deepEqual(sort(g, deletions(1), 100).sendable, []);
  g.approve();
  assert.deepEqual(sort(g, deletions(1), 100).sendable, []);
  g.allSynced();
  assert.equal(sort(g, deletions(1), 100).sendable.length, 1);
});

test("what is known to be gone may go even before everything has synced", () => {
  const g = guard();
  g.expect("T", "r0");
  assert.deepEqual(
    sort(g, deletions(2), 100).sendable.map(({ id }) => id),
    ["r0"],
  );
});

test("a removal is held only when it exceeds both limits", () => {
  const cases: [count: number, owned: number, admitted: boolean][] = [
    [20, 20, true],
    [21, 20, false],
    [30, 100, true],
    [31, 100, false],
  ];
  for (const [count, owned, admitted] of cases) {
    const g = guard();
    g.allSynced();
    assert.equal(
      sort(g, deletions(count), owned).sendable.length,
      admitted ? count : 0,
      `${count} of ${owned}`,
    );
    assert.equal(g.heldRows, admitted ? 0 : count);
  }
});

test("recent deletions count, and after a while no longer", () => {
  const g = guard();
  g.allSynced();
  g.removed(sort(g, deletions(20), 60).sendable, 0);
  assert.deepEqual(sort(g, deletions(5, 20), 40, 10).sendable, []);
  assert.equal(
    g.mayRelease(() => 40, 500),
    false,
  );
  assert.equal(
    g.mayRelease(() => 40, 1_001),
    true,
  );
});

test("what is held stays held while the cluster grows, and is measured anew once nothing is held", () => {
  const g = guard();
  g.allSynced();
  assert.deepEqual(sort(g, deletions(40), 100).sendable, []);
  assert.equal(
    g.mayRelease(() => 1_000, 10_000),
    false,
  );
  const seen = new RowMap<true>();
  for (let i = 0; i < 40; i++) seen.set("T", `r${i}`, true);
  g.forget(seen);
  assert.deepEqual(sort(g, deletions(40), 1_000, 10_000).sendable, [], "looked at again");
  g.forget(seen);
  sort(g, [], 1_000, 10_000);
  assert.equal(sort(g, deletions(40), 1_000, 10_000).sendable.length, 40);
});

test("what is compared anew is no longer held", () => {
  const g = guard();
  g.allSynced();
  sort(g, deletions(50), 100);
  const seen = new RowMap<true>();
  for (let i = 0; i < 40; i++) seen.set("T", `r${i}`, true);
  g.forget(seen);
  assert.equal(g.heldRows, 10);
  assert.deepEqual(g.report(100).tables, new Map([["T", 10]]));
});

test("an approval covers what is held now, and nothing that comes later", () => {
  const g = guard();
  g.allSynced();
  sort(g, deletions(50), 100);
  g.approve();
  assert.equal(sort(g, [...deletions(50), ...deletions(40, 50)], 100).sendable.length, 50);
});
