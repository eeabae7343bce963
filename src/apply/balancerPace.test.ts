import assert from "node:assert/strict";
import { test } from "node:test";
import type { AtomicGroup } from "./atomicGroup.ts";
import { BalancerPace } from "./balancerPace.ts";
import type { Change } from "./change.ts";

function group(kind: "insert" | "update" | "delete", table: string, uuid: string): AtomicGroup {
  const on = { table, uuid, owners: [] };
  const change: Change = kind === "delete" ? { kind, ...on } : { kind, ...on, columns: new Map() };
  return {
    id: `${kind} ${uuid}`,
    needs: [],
    incomplete: false,
    removes: kind === "delete",
    changes: [change],
  };
}

/** `pass` moves the clock. */
function world() {
  let now = 1_000;
  const timers = new Map<() => void, number>();
  const released: string[] = [];
  const pace = new BalancerPace({
    clock: {
      now: () => now,
      after: (ms, action) => {
        timers.set(action, now + ms);
        return () => undefined;
      },
    },
    release: (changes) => released.push(...changes.map(({ uuid }) => uuid)),
  });
  const pass = (ms: number): void => {
    now += ms;
    for (const [action, at] of timers) if (at <= now && timers.delete(action)) action();
  };
  return { pace, released, pass };
}

test("after a change that frees groups, balancers wait a quarter second and go together", () => {
  const { pace, released, pass } = world();
  const [a, b] = [group("update", "Load_Balancer", "a"), group("insert", "Load_Balancer", "b")];
  assert.ok(pace.mayTry(a), "nothing has been freed");
  pace.going([a]);
  pass(100);
  assert.ok(!pace.mayTry(a));
  assert.ok(!pace.mayTry(b));
  assert.ok(pace.isHolding);
  pass(149);
  assert.deepEqual(released, []);
  pass(1);
  assert.deepEqual(released, ["a", "b"]);
  assert.ok(!pace.isHolding);
  assert.ok(pace.mayTry(a) && pace.mayTry(b));
});

test("whatever takes no group goes at once, and new balancers make nobody wait", () => {
  const { pace } = world();
  pace.going([group("insert", "Load_Balancer", "a"), group("update", "Logical_Switch_Port", "p")]);
  assert.ok(pace.mayTry(group("insert", "Load_Balancer", "b")));
  pace.going([group("delete", "Load_Balancer", "a")]);
  assert.ok(pace.mayTry(group("delete", "Load_Balancer", "b")));
  assert.ok(pace.mayTry(group("update", "Logical_Switch_Port", "p")));
  assert.ok(!pace.mayTry(group("insert", "Load_Balancer", "c")));
});
