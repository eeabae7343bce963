import assert from "node:assert/strict";
import { test } from "node:test";
import { RowMap } from "../desired/rowMap.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { PruneGuard } from "./pruneGuard.ts";

const limits = { share: 0.3, rows: 20, windowMs: 1_000 };
const guard = () => new PruneGuard(limits, (table, uuid) => `${table} ${uuid}`);

const deletions = (count: number, from = 0): readonly AtomicGroup[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `r${from + i}`,
    changes: [{ kind: "delete", table: "T", uuid: `r${from + i}`, owners: [] }],
    needs: [],
    removes: true,
    incomplete: false,
  }));

test("nothing is admitted before everything has synced, not even what was approved", () => {
  const g = guard();
  assert.deepEqual(g.sort(deletions(1), () => 100, 0).sendable, []);
  g.approve();
  assert.deepEqual(g.sort(deletions(1), () => 100, 0).sendable, []);
  g.allSynced();
  assert.equal(g.sort(deletions(1), () => 100, 0).sendable.length, 1);
});

test("what is known to be gone may go even before everything has synced", () => {
  const g = guard();
  g.expect("T", "r0");
  assert.deepEqual(
    g.sort(deletions(2), () => 100, 0).sendable.map(({ id }) => id),
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
      g.sort(deletions(count), () => owned, 0).sendable.length,
      admitted ? count : 0,
      `${count} of ${owned}`,
    );
    assert.equal(g.heldDeletes, admitted ? 0 : count);
  }
});

test("recent deletions count, and after a while no longer", () => {
  const g = guard();
  g.allSynced();
  g.removed(g.sort(deletions(20), () => 60, 0).sendable, 0);
  assert.deepEqual(g.sort(deletions(5, 20), () => 40, 10).sendable, []);
  assert.equal(
    g.mayRelease(() => 40, 500),
    false,
  );
  assert.equal(
    g.mayRelease(() => 40, 1_001),
    true,
  );
});

test("what is compared anew is no longer held", () => {
  const g = guard();
  g.allSynced();
  g.sort(deletions(50), () => 100, 0);
  const seen = new RowMap<true>();
  for (let i = 0; i < 40; i++) seen.set("T", `r${i}`, true);
  g.forget(seen);
  assert.equal(g.heldDeletes, 10);
  assert.deepEqual(g.report(100).tables, new Map([["T", 10]]));
});

test("an approval covers what is held now, and nothing that comes later", () => {
  const g = guard();
  g.allSynced();
  g.sort(deletions(50), () => 100, 0);
  g.approve();
  const admitted = g.sort([...deletions(50), ...deletions(40, 50)], () => 100, 0).sendable;
  assert.deepEqual(admitted.length, 50);
});
