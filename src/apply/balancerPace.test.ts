import assert from "node:assert/strict";
import { test } from "node:test";
import type { AtomicGroup } from "./atomicGroup.ts";
import { BalancerPace } from "./balancerPace.ts";
import type { Change } from "./change.ts";
import { ours } from "./worldFixture.ts";

type Vips = Readonly<Record<string, string>>;

const mapOf = (vips: Vips): ReadonlyMap<string, string> => new Map(Object.entries(vips));
const groupOf = (change: Change): AtomicGroup => ({
  ...{ id: `${change.kind} ${change.uuid}`, needs: [], incomplete: false },
  ...{ removes: change.kind === "delete", changes: [change] },
});
const on = (uuid: string, table = "Load_Balancer") => ({ table, uuid, owners: [] });
const insert = (uuid: string, vips: Vips) =>
  groupOf({ kind: "insert", ...on(uuid), columns: new Map([["vips", mapOf(vips)]]) });
const update = (uuid: string, vips: Vips) =>
  groupOf({ kind: "update", ...on(uuid), columns: new Map([["vips", mapOf(vips)]]) });
const remove = (uuid: string) => groupOf({ kind: "delete", ...on(uuid) });
const port = groupOf({ kind: "update", ...on("p", "Logical_Switch_Port"), columns: new Map() });

/** `pass` moves the clock. Balancer a has an endpoint at one of its two addresses. */
function world() {
  let now = 1_000;
  const timers = new Map<() => void, number>();
  const released: string[] = [];
  const rows = new Map([["a", ours("a", { vips: mapOf({ v4: "e1", v6: "" }) })]]);
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
  const actual = { actual: (_table: string, uuid: string) => rows.get(uuid) };
  return {
    ...{ pace, released, pass },
    send: (...groups: AtomicGroup[]) => pace.sending(groups, actual),
    mayTry: (group: AtomicGroup) => pace.mayTry(group, actual),
  };
}

test("after a change that frees groups, those that take some wait a quarter second and go together", () => {
  const { pace, released, pass, send, mayTry } = world();
  const [first, second] = [update("a", { v4: "e2", v6: "" }), insert("b", { v4: "e3" })];
  assert.ok(mayTry(first), "nothing has been freed");
  send(first);
  pass(50);
  pace.committed();
  pass(100);
  assert.ok(!mayTry(first));
  assert.ok(!mayTry(second));
  assert.ok(pace.isHolding);
  pass(149);
  assert.deepEqual(released, []);
  pass(1);
  assert.deepEqual(released, ["a", "b"]);
  assert.ok(!pace.isHolding);
  assert.ok(mayTry(first) && mayTry(second));
});

test("a balancer that comes, and an address that gets its first endpoints, make nobody wait", () => {
  const { send, mayTry } = world();
  send(insert("b", { v4: "e3" }), update("a", { v4: "e1", v6: "e2" }), port);
  assert.ok(mayTry(insert("c", { v4: "e4" })));
});

test("after a deletion only what takes groups waits", () => {
  const { send, mayTry } = world();
  send(remove("a"));
  assert.ok(mayTry(remove("a")), "a deletion");
  assert.ok(mayTry(port), "another table");
  assert.ok(mayTry(insert("b", { v4: "" })), "a balancer without endpoints");
  assert.ok(mayTry(update("a", { v4: "" })), "an address that loses its endpoints");
  assert.ok(!mayTry(update("a", { v4: "e1", v6: "e2" })), "an address that gets some");
});

test("deletions that go on and on hold nobody up for more than a quarter second", () => {
  const { released, pass, send, mayTry } = world();
  const rolling = update("a", { v4: "e2", v6: "" });
  send(remove("a"));
  for (let ms = 0; ms < 250; ms += 50) {
    assert.deepEqual(released, []);
    assert.ok(!mayTry(rolling));
    assert.ok(!mayTry(remove("a")), "what frees more waits with what takes");
    assert.ok(mayTry(port) && mayTry(insert("b", { v4: "" })), "what does neither goes");
    pass(50);
  }
  assert.deepEqual(new Set(released), new Set(["a"]));
  assert.ok(mayTry(rolling) && mayTry(remove("a")), "both go together");
});
