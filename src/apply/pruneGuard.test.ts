import assert from "node:assert/strict";
import { test } from "node:test";
import { Desired } from "../desired/desired.ts";
import { RowMap } from "../desired/rowMap.ts";
import { ownership } from "../model/names.ts";
import type { Row } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { PruneGuard, type PruneLimits, type Sorted } from "./pruneGuard.ts";
import { groupsOf, ours, resultOf, row, worldOn } from "./worldFixture.ts";

const limits = { share: 0.3, rows: 20, windowMs: 1_000 };
const guard = (of: PruneLimits = limits) => new PruneGuard(of, (table, uuid) => `${table} ${uuid}`);

const LB = "Load_Balancer";
const LSP = "Logical_Switch_Port";

const deletions = (count: number, from = 0): readonly AtomicGroup[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `r${from + i}`,
    changes: [{ kind: "delete", table: "T", uuid: `r${from + i}`, owners: [] }],
    needs: [],
    removes: true,
    incomplete: false,
  }));

const nothing = worldOn(new Desired(), () => undefined);
const sort = (g: PruneGuard, groups: readonly AtomicGroup[], owned: number, now = 0): Sorted =>
  resultOf(g.sort(groups, nothing, () => owned, now));

/** A row of an owner's, as the database has it. */
const rowOf = (owner: string, uuid: string, columns: Record<string, Row[string]>): Row =>
  ours(uuid, { ...columns, ...markOf(owner) });

const markOf = (owner: string) => ({
  external_ids: new Map([
    [ownership.cluster, "demo"],
    [ownership.owner, owner],
  ]),
});

const balancer = (owner: string, uuid: string, vips: Record<string, string>): Row =>
  rowOf(owner, uuid, { vips: new Map(Object.entries(vips)) });

/** What the guard lets through of the differences in these rows. */
function passed(
  desired: Desired,
  rows: readonly (readonly [string, Row])[],
  g = guard({ ...limits, rows: 0, share: 0 }),
): readonly string[] {
  g.allSynced();
  const world = worldOn(desired, (_, uuid) => rows.find(([, { _uuid }]) => _uuid === uuid)?.[1]);
  const groups = groupsOf(
    world,
    rows.map(([table, { _uuid: uuid }]) => [table, uuid]),
  );
  const { sendable } = resultOf(g.sort(groups, world, () => rows.length, 0));
  return sendable.flatMap(({ changes }) =>
    changes.map((change) => {
      const vips = change.kind === "update" ? change.columns.get("vips") : undefined;
      const text = vips instanceof Map ? ` ${[...vips].map((entry) => entry.join("=")).join(" ")}` : "";
      return `${change.kind} ${change.uuid}${text}`;
    }),
  );
}

const vips = (entries: Record<string, string>) => ({ vips: new Map(Object.entries(entries)) });

test("nothing is admitted before everything has synced, not even what was approved", () => {
  const g = guard();
  assert.deepEqual(sort(g, deletions(1), 100).sendable, []);
  g.approve();
  assert.deepEqual(sort(g, deletions(1), 100).sendable, []);
  g.allSynced();
  assert.equal(sort(g, deletions(1), 100).sendable.length, 1);
});

test("what is known to be gone may go even before everything has synced", () => {
  const g = guard();
  g.expect("T", "r0");
  assert.deepEqual(
    sort(g, deletions(2), 100).sendable.map(({ id }) => id),
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
      sort(g, deletions(count), owned).sendable.length,
      admitted ? count : 0,
      `${count} of ${owned}`,
    );
    assert.equal(g.heldRows, admitted ? 0 : count);
  }
});

test("recent deletions count, and after a while no longer", () => {
  const g = guard();
  g.allSynced();
  g.removed(sort(g, deletions(20), 60).sendable, 0);
  assert.deepEqual(sort(g, deletions(5, 20), 40, 10).sendable, []);
  assert.equal(
    g.mayRelease(() => 40, 500),
    false,
  );
  assert.equal(
    g.mayRelease(() => 40, 1_001),
    true,
  );
});

test("what is held stays held while the cluster grows, and is measured anew once nothing is held", () => {
  const g = guard();
  g.allSynced();
  assert.deepEqual(sort(g, deletions(40), 100).sendable, []);
  assert.equal(
    g.mayRelease(() => 1_000, 10_000),
    false,
  );
  const seen = new RowMap<true>();
  for (let i = 0; i < 40; i++) seen.set("T", `r${i}`, true);
  g.forget(seen);
  assert.deepEqual(sort(g, deletions(40), 1_000, 10_000).sendable, [], "looked at again");
  g.forget(seen);
  sort(g, [], 1_000, 10_000);
  assert.equal(sort(g, deletions(40), 1_000, 10_000).sendable.length, 40);
});

test("what is compared anew is no longer held", () => {
  const g = guard();
  g.allSynced();
  sort(g, deletions(50), 100);
  const seen = new RowMap<true>();
  for (let i = 0; i < 40; i++) seen.set("T", `r${i}`, true);
  g.forget(seen);
  assert.equal(g.heldRows, 10);
  assert.deepEqual(g.report(100).tables, new Map([["T", 10]]));
});

test("an approval covers what is held now, and nothing that comes later", () => {
  const g = guard();
  g.allSynced();
  sort(g, deletions(50), 100);
  g.approve();
  assert.equal(sort(g, [...deletions(50), ...deletions(40, 50)], 100).sendable.length, 50);
});

test("a row goes by its owner's word, waits when the owner is missing, and stays when nobody may believe it", () => {
  for (const [word, goes] of [
    ["said", true],
    ["missing", false],
    ["held", false],
  ] as const) {
    const desired = new Desired();
    desired.replace("pod/a/b", [], word);
    assert.deepEqual(passed(desired, [[LB, balancer("pod/a/b", "u1", {})]]), goes ? ["delete u1"] : [], word);
  }
});

test("an approval does not cover rows whose owner cannot be planned", () => {
  const desired = new Desired();
  desired.replace("pod/a/stuck", [], "unplanned");
  desired.replace("service/a/held", [], "held");
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
  desired.replace("service/a/held", [], "held");
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
  for (const [word, expected] of [
    ["missing", "update u1 10.96.0.5:80=10.244.0.9:8080,10.244.0.3:8080,10.244.0.4:8080"],
    ["said", "update u1 10.96.0.5:80=10.244.0.9:8080"],
  ] as const) {
    const desired = new Desired();
    desired.replace("service/a/web", [row(LB, "u1", vips({ "10.96.0.5:80": "10.244.0.9:8080" }))], word);
    assert.deepEqual(passed(desired, [[LB, found]]), [expected]);
  }
  const empty = new Desired();
  empty.replace("service/a/web", [row(LB, "u1", vips({ "10.96.0.5:80": "" }))], "missing");
  const g = guard({ ...limits, rows: 0 });
  assert.deepEqual(passed(empty, [[LB, found]], g), ["update u1"], "its own columns are mended");
  assert.equal(g.heldRows, 1);
});

test("a value leaves a set by the word of the set's owner, however much of others is held", () => {
  const missing = Array.from(
    { length: 30 },
    (_, i) => [LB, balancer(`service/a/s${i}`, `s${i}`, {})] as const,
  );
  for (const [word, goes] of [
    ["said", true],
    ["held", false],
  ] as const) {
    const desired = new Desired();
    const set = rowOf("node/n1", "u1", { addresses: ["0a:58:0a:f4:00:03"] });
    desired.replace("node/n1", [row("Address_Set", "u1", markOf("node/n1"))], word);
    const g = guard({ ...limits, rows: 0 });
    assert.deepEqual(passed(desired, [...missing, ["Address_Set", set]], g), goes ? ["member u1"] : [], word);
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
  for (const [word, goes] of [
    ["missing", true],
    ["held", false],
    ["unplanned", false],
  ] as const) {
    const desired = new Desired();
    desired.replace("node/n3", [], word);
    const expected = goes ? [`delete ${binding._uuid}`] : [];
    assert.deepEqual(passed(desired, [["Static_MAC_Binding", binding]], guard()), expected, word);
  }
});

test("while the API server is not believed, nobody's word counts", () => {
  const desired = new Desired();
  desired.replace("pod/a/b", [], "said");
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
  g.suspend(undefined);
  assert.deepEqual(passed(desired, rows, g).toSorted(), ["delete u1", "update u2 10.96.0.5:80="]);
});

test("a held row gives way to a wanted row of another owner that claims its place", () => {
  const port = (name: string, address: string, more: Record<string, Row[string]> = {}) => ({
    name,
    addresses: [`0a:58:0a:f4:00:05 ${address}`],
    ...more,
  });
  const service = (entries: Record<string, string>) => ({ name: "demo_svc_a_b_tcp", ...vips(entries) });
  const cases: [string, string, Record<string, Row[string]>, Record<string, Row[string]>, boolean][] = [
    [
      "a Service's address",
      LB,
      service({ "10.96.0.5:80": "a:1" }),
      service({ "10.96.0.5:443": "b:1" }),
      true,
    ],
    ["IPv6", LB, service({ "[fd00::5]:80": "a:1" }), service({ "[fd00::5]:443": "b:1" }), true],
    [
      "a port of the way in",
      LB,
      vips({ "169.254.0.6:30080": "a:1" }),
      vips({ "169.254.0.6:30080": "b:1" }),
      true,
    ],
    [
      "another port there",
      LB,
      vips({ "169.254.0.6:30080": "a:1" }),
      vips({ "169.254.0.6:30081": "b:1" }),
      false,
    ],
    [
      "that port over UDP",
      LB,
      { protocol: "tcp", ...vips({ "169.254.0.6:30080": "a:1" }) },
      { protocol: "udp", ...vips({ "169.254.0.6:30080": "b:1" }) },
      false,
    ],
    ["the same in IPv6", LB, vips({ "[fd69::7]:30080": "a:1" }), vips({ "[fd69::7]:30081": "b:1" }), false],
    [
      "a host port of a node",
      LB,
      { name: "demo_hostport_a_one_tcp", ...vips({ "172.30.0.12:8080": "a:1" }) },
      { name: "demo_hostport_a_two_tcp", ...vips({ "172.30.0.12:8080": "b:1" }) },
      true,
    ],
    [
      "another host port of the node",
      LB,
      { name: "demo_svc_a_one_tcp_n2", ...vips({ "172.30.0.12:8080": "a:1" }) },
      { name: "demo_hostport_a_two_tcp", ...vips({ "172.30.0.12:8081": "b:1" }) },
      false,
    ],
    ["another address", LB, vips({ "10.96.0.5:80": "a:1" }), vips({ "10.96.0.50:80": "b:1" }), false],
    ["a port's address", LSP, port("one", "10.244.0.5"), port("two", "10.244.0.5"), true],
    ["a port's name", LSP, port("one", "10.244.0.5"), port("one", "10.244.0.6"), true],
    [
      "a tag on a parent",
      LSP,
      port("one", "10.244.0.5", { tag_request: 7, parent_name: "vm" }),
      port("two", "10.244.0.6", { tag_request: 7, parent_name: "vm" }),
      true,
    ],
    [
      "the same tag on another parent",
      LSP,
      port("one", "10.244.0.5", { tag_request: 7, parent_name: "vm" }),
      port("two", "10.244.0.6", { tag_request: 7, parent_name: "other" }),
      false,
    ],
  ];
  for (const [what, table, old, wanted, gives] of cases) {
    const desired = new Desired();
    const columns = Object.fromEntries(
      Object.entries(wanted).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    desired.replace("x/new", [row(table, "new", columns)]);
    const held = rowOf("x/old", "old", old);
    const holder = table === LSP ? { ports: ["old"] } : {};
    const rows = [[table, held] as const, ["Logical_Switch", rowOf("x/s", "sw", holder)] as const];
    desired.replace("x/s", [row("Logical_Switch", "sw")]);
    const g = guard({ ...limits, rows: 0, share: 0 });
    assert.equal(passed(desired, rows, g).includes("delete old"), gives, what);
  }
});

test("a held address of a balancer is given up when another Service has it now", () => {
  const found = balancer("service/a/web", "u1", { "10.96.0.5:80": "a:1", "10.96.0.6:80": "a:1" });
  const desired = new Desired();
  desired.replace("service/a/web", [row(LB, "u1", vips({ "10.96.0.7:80": "" }))], "missing");
  desired.replace("service/a/new", [row(LB, "u2", vips({ "10.96.0.6:80": "b:1" }))]);
  assert.deepEqual(passed(desired, [[LB, found]]), ["update u1 10.96.0.7:80= 10.96.0.5:80=a:1"]);
});

test("what is held is looked at again when something new claims its place", () => {
  const desired = new Desired();
  const g = guard({ ...limits, rows: 0 });
  const old = balancer("service/a/old", "old", { "10.96.0.5:80": "a:1" });
  assert.deepEqual(passed(desired, [[LB, old]], g), []);
  const insert: AtomicGroup = {
    id: "new",
    changes: [
      {
        kind: "insert",
        table: LB,
        uuid: "new",
        owners: ["x"],
        columns: new Map(Object.entries(vips({ "10.96.0.5:80": "" }))),
      },
    ],
    needs: [],
    removes: false,
    incomplete: false,
  };
  assert.deepEqual(g.inTheWayOf([insert]), [{ table: LB, uuid: "old" }]);
});
