// By which absence something goes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Desired } from "../desired/desired.ts";
import { RowMap } from "../desired/rowMap.ts";
import type { Row } from "../ovsdb/index.ts";
import { balancer, guard, LB, LSP, limits, markOf, passed, rowOf, vips } from "./pruneGuardFixture.ts";
import { takesWanted } from "./taking.ts";
import { groupsOf, row, worldOn } from "./worldFixture.ts";

test("a row whose absence is confirmed goes, one that is missing waits, and one whose absence is not to be trusted stays", () => {
  for (const [absence, goes] of [
    ["confirmed", true],
    ["missing", false],
    ["untrusted", false],
  ] as const) {
    const desired = new Desired();
    desired.replace("pod/a/b", [], absence);
    assert.deepEqual(
      passed(desired, [[LB, balancer("pod/a/b", "u1", {})]]),
      goes ? ["delete u1"] : [],
      absence,
    );
  }
});

test("an approval does not cover rows whose owner cannot be planned", () => {
  const desired = new Desired();
  desired.replace("pod/a/stuck", [], "unplanned");
  desired.replace("service/a/held", [], "untrusted");
  const rows = ["pod/a/stuck", "service/a/held"].map((name) => [LB, balancer(name, name, {})] as const);
  const g = guard({ ...limits, rows: 3 });
  assert.deepEqual(passed(desired, rows, g), []);
  g.approve();
  assert.deepEqual(passed(desired, rows, g), ["delete service/a/held"]);
  desired.replace("pod/a/stuck", []);
  assert.deepEqual(passed(desired, rows, g), ["delete pod/a/stuck", "delete service/a/held"]);
});

test("few missing rows may go, but not one that is known to be doubtful", () => {
  const desired = new Desired();
  desired.replace("service/a/held", [], "untrusted");
  const rows = ["a/held", "a/b"].map((name) => [LB, balancer(`service/${name}`, name, {})] as const);
  const g = guard({ ...limits, rows: 3 });
  assert.deepEqual(passed(desired, rows, g), ["delete a/b"]);
  assert.equal(g.heldRows, 1);
  assert.equal(
    g.mayRelease(() => 100, 10_000),
    false,
    "time does not release it",
  );
});

test("endpoints that are merely missing stay in the balancer, and new ones are added", () => {
  const found = balancer("service/a/web", "u1", { "10.96.0.5:80": "10.244.0.3:8080,10.244.0.4:8080" });
  for (const [absence, expected] of [
    ["missing", "update u1 10.96.0.5:80=10.244.0.9:8080,10.244.0.3:8080,10.244.0.4:8080"],
    ["confirmed", "update u1 10.96.0.5:80=10.244.0.9:8080"],
  ] as const) {
    const desired = new Desired();
    desired.replace("service/a/web", [row(LB, "u1", vips({ "10.96.0.5:80": "10.244.0.9:8080" }))], absence);
    assert.deepEqual(passed(desired, [[LB, found]]), [expected]);
  }
  const empty = new Desired();
  empty.replace("service/a/web", [row(LB, "u1", vips({ "10.96.0.5:80": "" }))], "missing");
  const g = guard({ ...limits, rows: 0 });
  assert.deepEqual(passed(empty, [[LB, found]], g), ["update u1"], "its own columns are mended");
  assert.equal(g.heldRows, 1);
});

test("a value leaves a set by what is known of the set's owner, however much of others is held", () => {
  const missing = Array.from(
    { length: 30 },
    (_, i) => [LB, balancer(`service/a/s${i}`, `s${i}`, {})] as const,
  );
  for (const [absence, goes] of [
    ["confirmed", true],
    ["untrusted", false],
  ] as const) {
    const desired = new Desired();
    const set = rowOf("node/n1", "u1", { addresses: ["0a:58:0a:f4:00:03"] });
    desired.replace("node/n1", [row("Address_Set", "u1", markOf("node/n1"))], absence);
    const g = guard({ ...limits, rows: 0 });
    assert.deepEqual(
      passed(desired, [...missing, ["Address_Set", set]], g),
      goes ? ["member u1"] : [],
      absence,
    );
    assert.equal(g.heldRows, 30);
  }
});

test("a plain value stays in another owner's set while a row that names it is held, and goes with that row", () => {
  const group = rowOf("subject/g", "set", { addresses: ["10.244.0.5", "0a:58:0a:f4:00:05", "172.30.0.13"] });
  const rows: readonly (readonly [string, Row])[] = [
    ["Address_Set", group],
    [LSP, rowOf("pod/a/stuck", "port", { addresses: ["0a:58:0a:f4:00:05 10.244.0.5"] })],
    ["Logical_Switch", rowOf("node/n1", "sw", { ports: ["port"] })],
  ];
  const desired = new Desired();
  desired.replace("subject/g", [row("Address_Set", "set", markOf("subject/g"))]);
  desired.replace("node/n1", [row("Logical_Switch", "sw", markOf("node/n1"))]);
  desired.replace("pod/a/stuck", [], "unplanned");
  const g = guard();
  assert.deepEqual(passed(desired, rows, g), ["member set"], "172.30.0.13 alone");
  assert.deepEqual([...g.held.keepers()], [{ table: "Address_Set", uuid: "set" }]);
  g.approve();
  assert.deepEqual(passed(desired, rows, g), ["member set"]);
  desired.replace("pod/a/stuck", []);
  const again = new RowMap<true>();
  for (const [table, { _uuid: uuid }] of rows) again.set(table, uuid, true);
  g.forget(again);
  assert.deepEqual(passed(desired, rows, g).toSorted(), [
    "delete port",
    "member set",
    "member set",
    "member set",
    "member sw",
  ]);
});

test("a row without a place for its owner may be of any owner that cannot be planned, or is not to be believed", () => {
  const binding: Row = { _uuid: "00000000-0000-5000-8000-000000000001", logical_port: "demo_gtoj_n3" };
  for (const [absence, goes] of [
    ["missing", true],
    ["untrusted", false],
    ["unplanned", false],
  ] as const) {
    const desired = new Desired();
    desired.replace("node/n3", [], absence);
    const expected = goes ? [`delete ${binding._uuid}`] : [];
    assert.deepEqual(passed(desired, [["Static_MAC_Binding", binding]], guard()), expected, absence);
  }
});

test("while the API server is not believed, no absence counts as confirmed", () => {
  const desired = new Desired();
  desired.replace("pod/a/b", [], "confirmed");
  desired.replace("service/a/web", [row(LB, "u2", vips({ "10.96.0.5:80": "" }))]);
  const rows = [
    [LB, balancer("pod/a/b", "u1", {})],
    [LB, balancer("service/a/web", "u2", { "10.96.0.5:80": "10.244.0.3:8080" })],
  ] as const;
  const g = guard({ ...limits, rows: 0 });
  g.suspend("another cluster's");
  g.expect(LB, "u1");
  assert.deepEqual(passed(desired, rows, g), ["update u2"]);
  assert.match(g.report(2).message, /deletion of 2 of 2 rows is held .*: another cluster's/);
  assert.equal(
    g.mayRelease(() => 2, 0),
    false,
  );
  g.suspend(undefined);
  assert.equal(
    g.mayRelease(() => 2, 0),
    true,
    "what was sorted meanwhile is looked at again",
  );
  assert.deepEqual(passed(desired, rows, g).toSorted(), ["delete u1", "update u2 10.96.0.5:80="]);
});

test("what is wanted again after it was compared is not taken away", () => {
  const found = [
    [LB, balancer("service/a/web", "u1", { "10.96.0.5:80": "10.244.0.3:8080,10.244.0.4:8080" })],
    [LSP, rowOf("pod/a/b", "u2", { addresses: ["0a:58:0a:f4:00:05 10.244.0.5"] })],
  ] as const;
  const desired = new Desired();
  const one = (endpoints: string) => [row(LB, "u1", vips({ "10.96.0.5:80": endpoints }))];
  desired.replace("service/a/web", one("10.244.0.3:8080"));
  desired.replace("pod/a/b", [], "unplanned");
  const world = worldOn(desired, (_, uuid) => found.find(([, { _uuid }]) => _uuid === uuid)?.[1]);
  const groups = groupsOf(
    world,
    found.map(([table, { _uuid: uuid }]) => [table, uuid] as const),
  );
  const outdated = (): readonly string[] =>
    groups
      .filter((group) => takesWanted(group, world))
      .flatMap(({ changes }) => changes.map(({ uuid }) => uuid));
  assert.deepEqual(outdated(), []);
  desired.replace("pod/a/b", [row(LSP, "u2", {})]);
  assert.deepEqual(outdated(), ["u2"]);
  desired.replace("service/a/web", one("10.244.0.3:8080,10.244.0.4:8080"));
  assert.deepEqual(outdated(), ["u1", "u2"]);
});
