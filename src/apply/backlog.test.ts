import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Desired } from "../desired/desired.ts";
import { RowMap } from "../desired/rowMap.ts";
import type { Fact } from "../model/fact.ts";
import type { Row } from "../ovsdb/index.ts";
import { Backlog } from "./backlog.ts";
import type { Change } from "./change.ts";
import { RowDiff } from "./diff.ts";
import { HeldRows } from "./heldRows.ts";
import type { World } from "./world.ts";
import { destination, member, ours, row, rowChanges, theirs, worldOn } from "./worldFixture.ts";

const AS = "Address_Set";
const LS = "Logical_Switch";
const LSP = "Logical_Switch_Port";

const noGuard = {
  expect: () => undefined,
  expectMember: () => undefined,
  forgetWanted: () => undefined,
  held: new HeldRows(),
};

/** Rows that facts and other writers change, and a backlog that learns of it. */
class Bed {
  readonly desired = new Desired();
  readonly rows = new RowMap<Row>();
  readonly backlog = new Backlog(this.desired.database(destination));
  readonly world: World;

  constructor({ isSynced = true } = {}) {
    const world = worldOn(this.desired, (table, uuid) => this.rows.get(table, uuid));
    this.world = { ...world, isSynced: () => isSynced };
  }

  /** The database has `row`, or no such row if undefined. */
  put(table: string, uuid: string, row: Row | undefined): void {
    const old = this.rows.get(table, uuid);
    if (row) this.rows.set(table, uuid, row);
    else this.rows.delete(table, uuid);
    if (old || row) this.backlog.changed([{ table, uuid, old, new: row }]);
  }

  /** Looks at what is dirty. Returns how many members were compared, and the differences. */
  look(): { readonly steps: number; readonly changes: readonly Change[] } {
    const diffs = new RowMap<RowDiff>();
    let steps = 0;
    for (const look of this.backlog.take(this.world, noGuard)) {
      if (!look) continue;
      const { table, uuid, part } = look;
      const diff = diffs.ensure(table, uuid, () => new RowDiff(table, uuid));
      for (const _ of diff.look(this.world, part)) steps++;
    }
    this.backlog.endFlush();
    return { steps, changes: [...diffs.values()].flatMap((diff) => diff.changes) };
  }

  /** The differences of all rows. */
  everything(): readonly Change[] {
    const names = new RowMap<true>();
    for (const { table, uuid } of this.desired.database(destination).rows()) names.set(table, uuid, true);
    for (const [table, uuid] of this.rows.entries()) names.set(table, uuid, true);
    return [...names.entries()].flatMap(([table, uuid]) => rowChanges(this.world, table, uuid));
  }

  /** Does what the engine would commit. The backlog sees the echo. */
  apply(changes: readonly Change[]): void {
    const inOrder = ["insert", "update", "member", "delete"];
    for (const change of changes.toSorted((a, b) => inOrder.indexOf(a.kind) - inOrder.indexOf(b.kind))) {
      const { table, uuid } = change;
      const found = this.rows.get(table, uuid);
      if (change.kind === "delete") this.#delete(table, uuid);
      else if (change.kind === "member") {
        const members = new Set(membersOf(found, change.column.name));
        if (change.action === "insert") members.add(String(change.key));
        else members.delete(String(change.key));
        if (found) this.put(table, uuid, { ...found, [change.column.name]: [...members] });
      } else if (change.kind !== "impossible")
        this.put(table, uuid, { ...(found ?? { _uuid: uuid }), ...Object.fromEntries(change.columns) });
    }
  }

  #delete(table: string, uuid: string): void {
    this.put(table, uuid, undefined);
    for (const holder of this.rows.values())
      if (membersOf(holder, "ports").includes(uuid))
        this.put(LS, holder._uuid, {
          ...holder,
          ports: membersOf(holder, "ports").filter((port) => port !== uuid),
        });
  }
}

const membersOf = (row: Row | undefined, column: string): readonly string[] => {
  const value = row?.[column];
  return Array.isArray(value) ? value.map(String) : [];
};

/** The changes as words, without those that wait for a row. */
const shown = (bed: Bed, changes: readonly Change[]): readonly string[] =>
  changes
    .filter((change) => change.kind !== "member" || bed.rows.has(change.table, change.uuid))
    .map((change) =>
      change.kind === "member"
        ? `${change.action} ${change.uuid} ${change.column.name} ${String(change.key)}`
        : `${change.kind} ${change.table} ${change.uuid}`,
    )
    .toSorted();

const sets = fc.constantFrom("set1", "set2");
const switches = fc.constantFrom("switch1", "switch2");
const ports = fc.constantFrom("p1", "p2", "p3");
const addresses = fc.constantFrom("a", "b", "c", "d");
const owners = fc.constantFrom("pod1", "pod2", "pod3");

const facts: fc.Arbitrary<readonly Fact[]> = fc
  .tuple(
    fc.array(fc.tuple(sets, addresses).map(([uuid, value]) => member(AS, uuid, "addresses", value))),
    fc.array(fc.tuple(switches, ports)),
  )
  .map(([members, held]) => [
    ...members,
    ...held.flatMap(([uuid, port]) => [row(LSP, port, { name: port }), member(LS, uuid, "ports", port)]),
  ]);

type Step = (bed: Bed) => void;

const anywhere: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(owners, facts).map(
    ([owner, said]): Step =>
      (bed) =>
        bed.desired.replace(owner, said),
  ),
  fc
    .tuple(fc.subarray(["set1", "set2", "switch1", "switch2"]), fc.constantFrom("one", "another"))
    .map(([wanted, name]): Step => {
      const rows = wanted.map((uuid) =>
        row(uuid.startsWith("set") ? AS : LS, uuid, { name: `${uuid} ${name}` }),
      );
      return (bed) => bed.desired.replace("cluster", rows);
    }),
  fc.tuple(sets, fc.uniqueArray(addresses)).map(
    ([uuid, found]): Step =>
      (bed) => {
        const old = bed.rows.get(AS, uuid);
        if (old) bed.put(AS, uuid, { ...old, addresses: found });
      },
  ),
  fc.tuple(switches, fc.uniqueArray(fc.oneof(ports, fc.constant("theirs")))).map(
    ([uuid, found]): Step =>
      (bed) => {
        const old = bed.rows.get(LS, uuid);
        const there = found.filter((port) => bed.rows.has(LSP, port));
        if (old) bed.put(LS, uuid, { ...old, ports: there });
      },
  ),
  fc.oneof(sets, switches).map(
    (uuid): Step =>
      (bed) =>
        bed.put(uuid.startsWith("set") ? AS : LS, uuid, undefined),
  ),
  fc.oneof(sets, switches).map(
    (uuid): Step =>
      (bed) => {
        const table = uuid.startsWith("set") ? AS : LS;
        if (!bed.rows.has(table, uuid)) bed.put(table, uuid, ours(uuid, { name: "made by others" }));
      },
  ),
);

test("before all inputs are synced, members that somebody said are to go are compared, also in a row that is new to us", () => {
  const bed = new Bed({ isSynced: false });
  bed.put(AS, "s", ours("s", { addresses: ["x", "y"] }));
  bed.look();
  bed.desired.replace("pod/a", [member(AS, "s", "addresses", "x")]);
  bed.desired.replace("node/n1", [row(AS, "s")]);
  bed.desired.replace("pod/a", [], "confirmed");
  assert.deepEqual(
    bed.look().changes.map((change) => change.kind === "member" && [change.action, change.key]),
    [["delete", "x"]],
  );
});

test("whatever facts and other writers change, looking at what is dirty finds everything that a full look finds", () => {
  fc.assert(
    fc.property(fc.array(fc.array(anywhere, { maxLength: 4 }), { maxLength: 12 }), (rounds) => {
      const bed = new Bed();
      bed.put(LSP, "theirs", theirs("theirs"));
      bed.look();
      for (const steps of rounds) {
        for (const step of steps) step(bed);
        const { changes } = bed.look();
        assert.deepEqual(shown(bed, changes), shown(bed, bed.everything()));
        bed.apply(changes);
      }
    }),
    { numRuns: 500 },
  );
});

test("one member in a large set costs one comparison, and so does the echo of its commit", () => {
  const bed = new Bed();
  bed.desired.replace("cluster", [row(AS, "set1")]);
  const all = Array.from({ length: 10_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  for (const address of all)
    bed.desired.replace(`pod/${address}`, [member(AS, "set1", "addresses", address)]);
  bed.put(AS, "set1", ours("set1", { addresses: all }));
  bed.look();
  assert.deepEqual(bed.look(), { steps: 0, changes: [] });

  bed.desired.replace("pod/10.0.0.7", [member(AS, "set1", "addresses", "10.1.0.7")]);
  const { steps, changes } = bed.look();
  assert.equal(steps, 2);
  assert.deepEqual(shown(bed, changes), ["delete set1 addresses 10.0.0.7", "insert set1 addresses 10.1.0.7"]);
  bed.apply(changes);
  assert.deepEqual(bed.look(), { steps: 2, changes: [] });
});

test("an owner is not committed while a plain value that it took back is still there", () => {
  const bed = new Bed();
  bed.desired.replace("cluster", [row(AS, "set1")]);
  bed.desired.replace("pod1", [member(AS, "set1", "addresses", "a")]);
  bed.put(AS, "set1", ours("set1", { addresses: ["a"] }));
  bed.look();
  bed.backlog.settle(AS, "set1");
  assert.ok(bed.backlog.isCommitted("pod1"));

  bed.desired.replace("pod1", []);
  const diff = new RowDiff(AS, "set1");
  for (const look of bed.backlog.take(bed.world, noGuard))
    if (look) for (const _ of diff.look(bed.world, look.part));
  const [change] = diff.changes;
  assert.ok(change?.kind === "member");
  assert.deepEqual([...bed.backlog.ownersOf(change)], ["pod1"]);
  bed.backlog.leave({ id: "g", changes: [change], needs: [], removes: true, incomplete: false });
  bed.backlog.settle(AS, "set1");
  bed.backlog.endFlush();
  assert.ok(!bed.backlog.isCommitted("pod1"), "the removal was left");
});
