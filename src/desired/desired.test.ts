import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ColumnValue, Destination, Fact, MemberFact, RowFact } from "../model/fact.ts";
import { Desired } from "./desired.ts";
import type { DesiredDatabase } from "./desiredDatabase.ts";

const destination: Destination = { zone: "global", database: "OVN_Northbound" };

const row = (uuid: string, columns: Record<string, ColumnValue> = {}): RowFact => ({
  kind: "row",
  destination,
  table: "Logical_Switch",
  uuid,
  columns: new Map(Object.entries(columns)),
});

const member = (uuid: string, value: string): MemberFact => ({
  kind: "member",
  destination,
  table: "Logical_Switch",
  uuid,
  column: "ports",
  value,
});

const entry = (uuid: string, key: string, value: string): MemberFact => ({
  ...member(uuid, value),
  column: "other_config",
  key,
});

function dirtyRows(database: DesiredDatabase): Record<string, readonly string[]> {
  return Object.fromEntries(
    [...database.takeDirty().rows.entries()].map(([, uuid, { owners }]) => [uuid, owners]),
  );
}

/** Everything in force, as text that does not depend on the order of events. */
function snapshot(database: DesiredDatabase): readonly string[] {
  const lines: string[] = [];
  for (const each of database.rows()) {
    if (each.columns) lines.push(`${each.uuid} ${JSON.stringify([...each.columns])}`);
    for (const column of each.memberColumns)
      for (const [key, slot] of each.members(column) ?? [])
        lines.push(`${each.uuid} ${column} ${String(key)}=${String(slot.value)}`);
  }
  return lines.sort();
}

test("an owner's facts are in force until it is replaced, and only what changed becomes dirty", () => {
  const desired = new Desired();
  const database = desired.database(destination);
  desired.replace("node/n1", [row("s1", { name: "n1" }), row("s2", { name: "n2" })]);
  assert.deepEqual(dirtyRows(database), { s1: ["node/n1"], s2: ["node/n1"] });

  desired.replace("node/n1", [row("s1", { name: "n1" }), row("s2", { name: "other" })]);
  assert.deepEqual(dirtyRows(database), { s2: ["node/n1"] });

  desired.replace("node/n1", [row("s1", { name: "n1" })]);
  assert.deepEqual(dirtyRows(database), { s2: ["node/n1"] });
  assert.deepEqual(snapshot(database), ['s1 [["name","n1"]]']);

  desired.remove("node/n1");
  assert.deepEqual([snapshot(database), [...desired.owners()]], [[], []]);
});

test("a set stated in another order is the same set", () => {
  const desired = new Desired();
  desired.replace("a", [row("s1", { addresses: ["x", "y"], options: new Map([["k", "v"]]) })]);
  desired.database(destination).takeDirty();
  desired.replace("a", [row("s1", { options: new Map([["k", "v"]]), addresses: ["y", "x"] })]);
  assert.deepEqual(dirtyRows(desired.database(destination)), {});
});

test("a member that two owners state stays until both have taken it back", () => {
  const desired = new Desired();
  const database = desired.database(destination);
  assert.deepEqual(desired.replace("a", [member("s1", "p")]), []);
  assert.deepEqual(desired.replace("b", [member("s1", "p")]), []);
  database.takeDirty();
  desired.remove("a");
  assert.deepEqual(dirtyRows(database), {});
  assert.deepEqual(database.row("Logical_Switch", "s1")?.member("ports", "p")?.owners, ["b"]);
  desired.remove("b");
  assert.deepEqual(dirtyRows(database), { s1: ["b"] });
  assert.equal(database.row("Logical_Switch", "s1"), undefined);
});

test("of two owners that differ the first stays in force, both are named, and the second takes over", () => {
  const desired = new Desired();
  const database = desired.database(destination);
  desired.replace("a", [entry("s1", "subnet", "10.0.0.0/24"), row("s1", { name: "one" })]);
  const conflicts = desired.replace("b", [entry("s1", "subnet", "10.0.1.0/24"), row("s1", { name: "two" })]);
  assert.deepEqual(
    conflicts.map(({ holder, waiting }) => [holder, waiting]),
    [
      ["a", "b"],
      ["a", "b"],
    ],
  );
  assert.match(
    conflicts[0]?.message ?? "",
    /a and b state different things about other_config subnet of row/,
  );
  assert.equal([...database.conflicts()].length, 2);
  database.takeDirty();

  // The holder may change its fact without losing its place, and is told of the conflict too.
  assert.equal(desired.replace("a", [entry("s1", "subnet", "10.0.2.0/24")]).length, 1);
  assert.deepEqual(snapshot(database), ['s1 [["name","two"]]', "s1 other_config subnet=10.0.2.0/24"]);

  desired.remove("a");
  assert.deepEqual(snapshot(database), ['s1 [["name","two"]]', "s1 other_config subnet=10.0.1.0/24"]);
  assert.deepEqual([...database.conflicts()], []);
});

test("when an owner states two things about one row, the first stays and the owner is told", () => {
  const desired = new Desired();
  const conflicts = desired.replace("a", [row("s1", { name: "one" }), row("s1", { name: "two" })]);
  assert.deepEqual([conflicts[0]?.holder, conflicts[0]?.waiting], ["a", "a"]);
  assert.deepEqual(snapshot(desired.database(destination)), ['s1 [["name","one"]]']);
});

test("destinations are kept apart", () => {
  const desired = new Desired();
  const other = { zone: "n1", database: "OVN_Northbound" };
  desired.replace("a", [row("s1"), { ...row("s2"), destination: other }]);
  assert.deepEqual(dirtyRows(desired.database(destination)), { s1: ["a"] });
  assert.deepEqual(dirtyRows(desired.database({ ...other })), { s2: ["a"] });
});

test("a listener is called once when there is something to take", () => {
  const desired = new Desired();
  const database = desired.database(destination);
  let calls = 0;
  const stop = database.subscribe(() => calls++);
  desired.replace("a", [row("s1"), row("s2")]);
  desired.replace("b", [row("s3")]);
  assert.equal(calls, 1);
  database.takeDirty();
  stop();
  desired.remove("a");
  assert.equal(calls, 1);
});

const uuids = fc.constantFrom("s1", "s2", "s3");
const texts = fc.constantFrom("x", "y", "z");
const agreeing: fc.Arbitrary<Fact> = fc.oneof(
  uuids.map((uuid) => row(uuid, { name: `name of ${uuid}` })),
  fc.tuple(uuids, texts).map(([uuid, value]) => member(uuid, value)),
  fc.tuple(uuids, texts).map(([uuid, key]) => entry(uuid, key, `value of ${key}`)),
);
const differing: fc.Arbitrary<Fact> = fc.oneof(
  agreeing,
  fc.tuple(uuids, texts).map(([uuid, name]) => row(uuid, { name })),
  fc.tuple(uuids, texts, texts).map(([uuid, key, value]) => entry(uuid, key, value)),
);
const owners = fc.constantFrom("a", "b", "c", "d");

test("any order of replaces reaches the same facts", () => {
  fc.assert(
    fc.property(
      fc.dictionary(owners, fc.array(agreeing, { maxLength: 8 })),
      fc.array(fc.tuple(owners, fc.array(agreeing, { maxLength: 8 })), { maxLength: 12 }),
      (final, churn) => {
        const straight = new Desired();
        for (const [owner, facts] of Object.entries(final)) straight.replace(owner, facts);
        const churned = new Desired();
        for (const [owner, facts] of churn) churned.replace(owner, facts);
        for (const owner of ["d", "c", "b", "a"]) churned.replace(owner, final[owner] ?? []);
        assert.deepEqual(snapshot(churned.database(destination)), snapshot(straight.database(destination)));
      },
    ),
  );
});

test("what is in force changes only in rows that become dirty, even when owners disagree", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(owners, fc.array(differing, { maxLength: 6 })), { maxLength: 15 }),
      (steps) => {
        const desired = new Desired();
        const database = desired.database(destination);
        for (const [owner, facts] of steps) {
          const before = snapshot(database);
          desired.replace(owner, facts);
          const changed = new Set(
            [...symmetricDifference(before, snapshot(database))].map((line) => line.slice(0, 2)),
          );
          const dirty = new Set(Object.keys(dirtyRows(database)));
          assert.ok(changed.isSubsetOf(dirty), `${[...changed].join()} changed, ${[...dirty].join()} dirty`);
        }
        for (const owner of ["a", "b", "c", "d"]) desired.remove(owner);
        assert.deepEqual([snapshot(database), [...database.conflicts()]], [[], []]);
      },
    ),
  );
});

const symmetricDifference = (a: readonly string[], b: readonly string[]): ReadonlySet<string> =>
  new Set(a).symmetricDifference(new Set(b));
