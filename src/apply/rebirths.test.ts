import assert from "node:assert/strict";
import { test } from "node:test";
import type { AtomicGroup } from "./atomicGroup.ts";
import type { Change } from "./change.ts";
import { Rebirths } from "./rebirths.ts";

const group = (kind: "insert" | "delete", table: string, uuid: string): AtomicGroup => ({
  ...{ id: `${kind} ${uuid}`, needs: [], incomplete: false, removes: kind === "delete" },
  changes: [
    kind === "insert"
      ? { kind, table, uuid, owners: [], columns: new Map() }
      : { kind, table, uuid, owners: [] },
  ],
});

/** Each question to northd waits until the test answers it; a clock that never waits. */
function world() {
  const asked: PromiseWithResolvers<void>[] = [];
  const released: string[] = [];
  const rebirths = new Rebirths({
    generations: {
      translated: () => {
        const question = Promise.withResolvers<void>();
        asked.push(question);
        return question.promise;
      },
    },
    clock: {
      now: () => 0,
      after: (_, action) => {
        setImmediate(action);
        return () => undefined;
      },
    },
    release: (changes: readonly Change[]) => released.push(...changes.map(({ uuid }) => uuid)),
  });
  return { asked, released, rebirths, signal: new AbortController().signal };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test("a balancer that went comes back when northd has answered, and everything else at once", async () => {
  const { asked, released, rebirths, signal } = world();
  rebirths.going(
    [group("delete", "Load_Balancer", "a"), group("delete", "Logical_Switch_Port", "b")],
    signal,
  );
  assert.ok(rebirths.mayTry(group("insert", "Logical_Switch_Port", "b"), signal));
  assert.ok(rebirths.mayTry(group("insert", "Load_Balancer", "c"), signal));
  assert.equal(asked.length, 0);
  assert.ok(!rebirths.mayTry(group("insert", "Load_Balancer", "a"), signal));
  assert.equal(asked.length, 1);
  asked[0]?.resolve();
  await settle();
  assert.deepEqual(released, ["a"]);
  assert.ok(rebirths.mayTry(group("insert", "Load_Balancer", "a"), signal));
});

test("northd is asked again when it does not answer, and about what went after the question", async () => {
  const { asked, released, rebirths, signal } = world();
  rebirths.going([group("delete", "Load_Balancer", "a")], signal);
  assert.ok(!rebirths.mayTry(group("insert", "Load_Balancer", "a"), signal));
  rebirths.going([group("delete", "Load_Balancer", "late")], signal);
  asked[0]?.reject(new Error("no answer"));
  await settle();
  assert.deepEqual([asked.length, released], [2, []]);
  rebirths.going([group("delete", "Load_Balancer", "later")], signal);
  asked[1]?.resolve();
  await settle();
  assert.deepEqual(released, ["a"]);
  assert.ok(rebirths.mayTry(group("insert", "Load_Balancer", "late"), signal));
  assert.ok(!rebirths.mayTry(group("insert", "Load_Balancer", "later"), signal));
});
