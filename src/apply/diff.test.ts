import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColumnValue } from "../model/fact.ts";
import type { Row } from "../ovsdb/index.ts";
import type { Change } from "./change.ts";
import { member, ours, type Rows, row, rowChanges, theirs, worldWith } from "./worldFixture.ts";

const switchTable = "Logical_Switch";

/** A change in a word or two. */
function shown(change: Change): string {
  switch (change.kind) {
    case "insert":
    case "update":
      return `${change.kind} ${[...change.columns].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ")}`;
    case "delete":
      return "delete";
    case "member":
      return `${change.action} ${change.column.name} ${String(change.key)}=${String(change.value)}`;
    case "impossible":
      return change.message;
  }
}

const diff = (facts: Parameters<typeof worldWith>[0], rows: Rows, table = switchTable): readonly string[] =>
  rowChanges(worldWith(facts, rows), table, "r").map(shown);

test("an absent row is inserted, with its members apart", () => {
  const facts = [row(switchTable, "r", { name: "n1" }), member(switchTable, "r", "ports", "p")];
  assert.deepEqual(diff({ a: facts }, {}), ['insert external_ids={} name="n1"', "insert ports p=p"]);
});

test("in an existing row, only the stated columns that differ are set", () => {
  const found = ours("r", { name: "old", other_config: new Map([["k", "v"]]), acls: [] });
  const facts = [row(switchTable, "r", { name: "n1", other_config: new Map([["k", "v"]]) })];
  assert.deepEqual(diff({ a: facts }, { [switchTable]: [found] }), ['update name="n1"']);
});

test("values are compared as sets: order, repetition and the form of an optional value do not matter", () => {
  const cases: [column: string, wanted: ColumnValue, found: Row[string], same: boolean][] = [
    ["addresses", ["a", "b"], ["b", "a"], true],
    ["addresses", ["a", "a"], ["a"], true],
    ["addresses", ["a"], ["a", "b"], false],
    ["addresses", "a", ["a"], true],
    ["tag", [], undefined, true],
    ["tag", 5, 5, true],
    ["tag", [5], 5, true],
    ["tag", 5, undefined, false],
    ["enabled", false, undefined, false],
    ["options", new Map([["k", "v"]]), new Map([["k", "v"]]), true],
    ["options", new Map([["k", "v"]]), new Map([["k", "w"]]), false],
    ["options", new Map(), new Map([["k", "w"]]), false],
    ["column_of_a_newer_schema", "x", undefined, true],
  ];
  for (const [column, wanted, found, same] of cases) {
    const facts = [row("Logical_Switch_Port", "r", { [column]: wanted })];
    const rows = { Logical_Switch_Port: [ours("r", { [column]: found })] };
    const changes = diff({ a: facts }, rows, "Logical_Switch_Port");
    assert.equal(changes.length === 0, same, `${column} ${JSON.stringify(wanted)}: ${changes.join()}`);
  }
});

test("an unwanted member is removed only if it is a reference to one of Weft's rows", () => {
  const rows = {
    [switchTable]: [ours("r", { ports: ["mine", "theirs", "gone"] })],
    Logical_Switch_Port: [ours("mine"), theirs("theirs")],
  };
  assert.deepEqual(diff({ a: [row(switchTable, "r")] }, rows), ["delete ports mine=mine"]);
});

test("what another writer's group has of Weft's rows stays in it", () => {
  const port = row("Logical_Switch_Port", "p");
  const rowsWith = (group: Row): Rows => ({ Logical_Switch_Port: [ours("p")], Port_Group: [group] });
  assert.deepEqual(diff({ a: [port] }, rowsWith(theirs("r", { ports: ["p"] })), "Port_Group"), []);
  const group = row("Port_Group", "r");
  const changes = diff({ a: [port, group] }, rowsWith(ours("r", { ports: ["p"] })), "Port_Group");
  assert.deepEqual(changes, ["delete ports p=p"]);
});

test("before all inputs are synced, a member that nobody has asked for yet is not looked for", () => {
  const facts = [row(switchTable, "r", { name: "n1" }), member(switchTable, "r", "ports", "p")];
  const rows = { [switchTable]: [ours("r", { name: "n1", ports: ["q"] })], Logical_Switch_Port: [ours("q")] };
  const world = { ...worldWith({ a: facts }, rows), isSynced: () => false };
  assert.deepEqual(rowChanges(world, switchTable, "r").map(shown), ["insert ports p=p"]);
  assert.deepEqual(diff({ a: facts }, rows), ["insert ports p=p", "delete ports q=q"]);
});

test("plain members of Weft's rows are Weft's alone, and in other rows they are refused", () => {
  const wanted = [member("Address_Set", "r", "addresses", "10.0.0.1")];
  const rows = { Address_Set: [ours("r", { addresses: ["10.0.0.9"] })] };
  assert.deepEqual(diff({ a: [row("Address_Set", "r")], b: wanted }, rows, "Address_Set"), [
    "insert addresses 10.0.0.1=10.0.0.1",
    "delete addresses 10.0.0.9=10.0.0.9",
  ]);
  const foreign = { Address_Set: [theirs("r", { addresses: ["10.0.0.9"] })] };
  assert.match(diff({ b: wanted }, foreign, "Address_Set").join(), /^Address_Set r: .* not Weft's$/);
});

test("a map entry that differs is set again", () => {
  const facts = { a: [row("DNS", "r")], b: [member("DNS", "r", "records", "new", "host")] };
  const rows = { DNS: [ours("r", { records: new Map([["host", "old"]]) })] };
  assert.deepEqual(diff(facts, rows, "DNS"), ["insert records host=new"]);
});

test("a mark, or a reserved name with a computed UUID, makes a row Weft's; the fence is never touched", () => {
  const computed = "6ba7b810-9dad-51d1-80b4-00c04fd430c8";
  const random = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
  const cases: [table: string, found: Row, deleted: boolean][] = [
    [switchTable, ours("x"), true],
    [switchTable, theirs("x"), false],
    [switchTable, theirs("x", { external_ids: new Map([["weft.io/cluster", "other"]]) }), false],
    ["Load_Balancer_Group", { _uuid: computed, name: "demo_services" }, true],
    ["Load_Balancer_Group", { _uuid: random, name: "demo_services" }, false],
    ["Load_Balancer_Group", { _uuid: computed, name: "demolition" }, false],
    ["Static_MAC_Binding", { _uuid: computed, logical_port: "demo_gtoe_n1", ip: "10.0.0.1" }, true],
    ["Address_Set", ours("the-fence"), false],
  ];
  for (const [table, found, deleted] of cases) {
    const changes = rowChanges(worldWith({}, { [table]: [found] }), table, found._uuid).map(shown);
    assert.deepEqual(changes, deleted ? ["delete"] : [], `${table} ${JSON.stringify(found)}`);
  }
});

test("members of a column that takes none are refused, and so are rows of an unknown table", () => {
  const facts = [row(switchTable, "r"), member(switchTable, "r", "other_config", "v", "k")];
  assert.match(diff({ a: facts }, { [switchTable]: [ours("r")] }).join(), /other_config takes no members/);
  assert.match(diff({ a: [row("Nonsense", "r")] }, {}, "Nonsense").join(), /no such table/);
});
