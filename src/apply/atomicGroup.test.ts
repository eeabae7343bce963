import assert from "node:assert/strict";
import { test } from "node:test";
import type { AtomicGroup } from "./atomicGroup.ts";
import { groupsOf, member, ours, row, theirs, worldWith } from "./worldFixture.ts";

const LS = "Logical_Switch";
const LSP = "Logical_Switch_Port";
const PG = "Port_Group";

/** The kinds of a group's changes, in order. */
const kinds = (group: AtomicGroup): string =>
  group.changes
    .map((change) =>
      change.kind === "member" ? `${change.action} in ${change.uuid}` : `${change.kind} ${change.uuid}`,
    )
    .toSorted()
    .join(", ");

const allKinds = (groups: readonly AtomicGroup[]): readonly string[] => groups.map(kinds).toSorted();

test("a new port is grouped with its switch and the existing port groups, and two ports are not grouped together", () => {
  const facts = {
    a: [row(LSP, "a"), member(LS, "s", "ports", "a"), member(PG, "g", "ports", "a")],
    b: [row(LSP, "b"), member(LS, "s", "ports", "b")],
  };
  const groups = groupsOf(worldWith(facts, { [LS]: [theirs("s")], [PG]: [theirs("g")] }), [
    [LSP, "a"],
    [LSP, "b"],
    [LS, "s"],
    [PG, "g"],
  ]);
  assert.deepEqual(allKinds(groups), ["insert a, insert in g, insert in s", "insert b, insert in s"]);
  assert.ok(groups.every((group) => !group.removes && !group.incomplete && group.needs.length === 0));
});

test("a port without a switch to hold it is incomplete, and one whose switch is missing needs it", () => {
  const alone = groupsOf(worldWith({ a: [row(LSP, "a")] }, {}), [[LSP, "a"]]);
  assert.deepEqual(
    alone.map(({ incomplete }) => incomplete),
    [true],
  );
  const facts = { a: [row(LSP, "a"), member(LS, "s", "ports", "a")] };
  const missing = groupsOf(worldWith(facts, {}), [
    [LSP, "a"],
    [LS, "s"],
  ]);
  assert.deepEqual(
    missing.map(({ incomplete, needs }) => [incomplete, needs.map(({ uuid }) => uuid)]),
    [[false, ["s"]]],
  );
});

test("a move is one group that removes nothing, even out of a switch that is deleted", () => {
  const facts = { n: [row(LS, "t")], a: [row(LSP, "a"), member(LS, "t", "ports", "a")] };
  const world = worldWith(facts, { [LS]: [ours("s", { ports: ["a"] }), ours("t")], [LSP]: [ours("a")] });
  const groups = groupsOf(world, [
    [LS, "s"],
    [LS, "t"],
  ]);
  assert.deepEqual(allKinds(groups), ["delete in s, insert in t", "delete s"]);
  const [move, gone] = groups.toSorted((a, b) => Number(a.removes) - Number(b.removes));
  assert.deepEqual([move?.removes, move?.incomplete], [false, false]);
  // The switch goes once the port has left it.
  assert.deepEqual([gone?.removes, gone?.incomplete], [true, true]);
});

test("a wanted port is not released before another switch takes it", () => {
  const facts = {
    n: [row(LS, "s")],
    a: [row(LSP, "a"), member(LS, "t", "ports", "a"), member(PG, "g", "ports", "a")],
  };
  const rows = {
    [LS]: [ours("s", { ports: ["a"] })],
    [LSP]: [ours("a")],
    [PG]: [theirs("g", { ports: ["a"] })],
  };
  const groups = groupsOf(worldWith(facts, rows), [[LS, "s"]]);
  assert.deepEqual(
    groups.map(({ incomplete }) => incomplete),
    [true],
  );
});

test("a port that two switches hold is removed from the one that is not wanted", () => {
  const facts = { n: [row(LS, "s"), row(LS, "t")], a: [row(LSP, "a"), member(LS, "t", "ports", "a")] };
  const rows = { [LS]: [ours("s", { ports: ["a"] }), ours("t", { ports: ["a"] })], [LSP]: [ours("a")] };
  const groups = groupsOf(worldWith(facts, rows), [[LS, "s"]]);
  assert.deepEqual(
    groups.map((group) => [kinds(group), group.incomplete]),
    [["delete in s", false]],
  );
});

test("a deleted port goes with its memberships", () => {
  const facts = { n: [row(LS, "s")], p: [row(PG, "g")] };
  const rows = {
    [LS]: [ours("s", { ports: ["a"] })],
    [LSP]: [ours("a")],
    [PG]: [ours("g", { ports: ["a"] })],
  };
  const groups = groupsOf(worldWith(facts, rows), [
    [LSP, "a"],
    [LS, "s"],
    [PG, "g"],
  ]);
  assert.deepEqual(allKinds(groups), ["delete a, delete in g, delete in s"]);
  assert.ok(groups[0]?.removes);
});

test("a switch that is no longer wanted stays when it holds a port of somebody else", () => {
  const rows = { [LS]: [ours("s", { ports: ["x"] })], [LSP]: [theirs("x")] };
  const groups = groupsOf(worldWith({}, rows), [[LS, "s"]]);
  assert.match(
    groups[0]?.problem ?? "",
    /Logical_Switch s .* holds Logical_Switch_Port x, which is not Weft's/,
  );
});

test("a unique name goes from one row to another in one group", () => {
  const facts = {
    a: [row("Address_Set", "new", { name: "n" })],
    b: [row("Address_Set", "other", { name: "m" })],
  };
  const rows = { Address_Set: [ours("old", { name: "n" })] };
  const groups = groupsOf(worldWith(facts, rows), [
    ["Address_Set", "new"],
    ["Address_Set", "old"],
    ["Address_Set", "other"],
  ]);
  assert.deepEqual(allKinds(groups), ["delete old, insert new", "insert other"]);
});

test("a row goes with the new rows that its columns refer to", () => {
  const facts = {
    a: [
      row("Logical_Router_Port", "p", { name: "p" }),
      member("Logical_Router", "r", "ports", "p"),
      row("NAT", "n", { gateway_port: "p" }),
      member("Logical_Router", "r", "nat", "n"),
    ],
  };
  const groups = groupsOf(worldWith(facts, { Logical_Router: [theirs("r")] }), [
    ["Logical_Router_Port", "p"],
    ["NAT", "n"],
    ["Logical_Router", "r"],
  ]);
  assert.deepEqual(allKinds(groups), ["insert in r, insert in r, insert n, insert p"]);
});
