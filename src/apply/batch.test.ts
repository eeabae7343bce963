import assert from "node:assert/strict";
import { test } from "node:test";
import { northbound } from "../ovn/northbound.gen.ts";
import { Transaction } from "../ovsdb/index.ts";
import { batches, ready, transactionOf } from "./batch.ts";
import { groupsOf, member, ours, resultOf, row, worldWith } from "./worldFixture.ts";

const LS = "Logical_Switch";
const LSP = "Logical_Switch_Port";
const roomy = { changes: 1_000, bytes: 1_000_000 };

const portsOn = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `pod/${i}`,
      [row(LSP, `p${i}`), member(LS, "s", "ports", `p${i}`)],
    ]),
  );

test("what a row needs is in the same batch or an earlier one, and a batch keeps within its limit", () => {
  const world = worldWith({ ...portsOn(10), node: [row(LS, "s")] }, {});
  const names = [...Array.from({ length: 10 }, (_, i) => [LSP, `p${i}`] as const), [LS, "s"] as const];
  const cut = resultOf(batches(groupsOf(world, names), { ...roomy, changes: 4 }));
  assert.ok(cut.every((batch) => batch.flatMap(({ changes }) => changes).length <= 4));
  assert.equal(cut.flat().length, 11);
  assert.deepEqual(
    cut[0]?.[0]?.changes.map(({ uuid }) => uuid),
    ["s"],
  );
  assert.equal(resultOf(batches(groupsOf(world, names), { ...roomy, bytes: 1 })).length, 11);
});

test("a group whose needs are not met is not ready, nor is a group that needs it", () => {
  const facts = {
    a: [row(LSP, "p"), member(LS, "s", "ports", "p")],
    g: [row("Port_Group", "g"), member("Port_Group", "g", "ports", "p")],
  };
  const world = worldWith(facts, {});
  const groups = groupsOf(world, [
    [LSP, "p"],
    [LS, "s"],
    ["Port_Group", "g"],
  ]);
  assert.deepEqual(
    ready(groups, world).map(({ changes }) => changes.map(({ kind, uuid }) => `${kind} ${uuid}`)),
    [["insert g"]],
  );
});

test("changes of one row become one operation for each column", () => {
  const facts = {
    ...portsOn(2),
    set: [row("Address_Set", "as"), member("Address_Set", "as", "addresses", "10.0.0.1")],
    dns: [member("DNS", "d", "records", "v", "k"), row("DNS", "d")],
    node: [row(LS, "s", { name: "n1" })],
  };
  const rows = {
    [LS]: [ours("s", { name: "old", ports: ["gone"] })],
    [LSP]: [ours("gone")],
    DNS: [ours("d", { records: new Map([["k", "old"]]) })],
  };
  const world = worldWith(facts, rows);
  const groups = groupsOf(world, [
    [LSP, "p0"],
    [LSP, "p1"],
    [LSP, "gone"],
    [LS, "s"],
    ["Address_Set", "as"],
    ["DNS", "d"],
  ]);
  const lines = String(transactionOf(groups, world, new Transaction(northbound))).split("\n");
  const ids = 'external_ids={"weft.io/cluster":"demo"}';
  assert.deepEqual(lines.toSorted(), [
    `insert Address_Set as ${ids} addresses=["10.0.0.1"]`,
    `insert Logical_Switch_Port p0 ${ids}`,
    `insert Logical_Switch_Port p1 ${ids}`,
    'mutate DNS d records += {"k":"v"}',
    'mutate Logical_Switch s ports += ["p0" "p1"]',
    'mutate Logical_Switch s ports -= ["gone"]',
    'update Logical_Switch s name="n1"',
  ]);
});

test("a weak reference is removed explicitly when its row changes while its target is deleted", () => {
  const facts = {
    node: [row(LS, "s")],
    g: [row("Port_Group", "g", { name: "new" })],
    h: [row("Port_Group", "h")],
  };
  const rows = {
    [LS]: [ours("s", { ports: ["p"] })],
    [LSP]: [ours("p")],
    Port_Group: [ours("g", { name: "old", ports: ["p"] }), ours("h", { ports: ["p"] })],
  };
  const world = worldWith(facts, rows);
  const groups = groupsOf(world, [
    [LSP, "p"],
    [LS, "s"],
    ["Port_Group", "g"],
    ["Port_Group", "h"],
  ]);
  assert.deepEqual(
    String(transactionOf(groups, world, new Transaction(northbound)))
      .split("\n")
      .toSorted(),
    [
      'mutate Logical_Switch s ports -= ["p"]',
      'mutate Port_Group g ports -= ["p"]',
      'update Port_Group g name="new"',
    ],
  );
});

test("one endpoint that comes to a Service with many ports is one changed entry, not a column written anew", () => {
  const uuid = "00000000-0000-4000-8000-000000000001";
  const before = Array.from({ length: 500 }, (_, at) => [`10.96.0.10:${at + 1}`, "10.244.0.3:80"] as const);
  const vips = new Map([
    ...before.slice(1),
    ["10.96.0.10:7", "10.244.0.3:80,10.244.0.4:80"] as const,
    ["10.96.0.10:900", ""] as const,
  ]);
  const rows = { Load_Balancer: [ours(uuid, { name: "old", vips: new Map(before) })] };
  const world = worldWith({ a: [row("Load_Balancer", uuid, { name: "new", vips })] }, rows);
  const transaction = transactionOf(
    groupsOf(world, [["Load_Balancer", uuid]]),
    world,
    new Transaction(northbound),
  );
  assert.deepEqual(
    transaction.operations.map((operation) =>
      "mutation" in operation ? operation.mutation : operation.kind,
    ),
    [
      "update",
      {
        insert: new Map([
          ["10.96.0.10:7", "10.244.0.3:80,10.244.0.4:80"],
          ["10.96.0.10:900", ""],
        ]),
        delete: ["10.96.0.10:1"],
      },
    ],
  );
});
