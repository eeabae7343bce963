// Who has to give way when two rows claim what only one can have.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Desired } from "../desired/desired.ts";
import { RowMap } from "../desired/rowMap.ts";
import type { Row } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import type { PruneGuard } from "./pruneGuard.ts";
import {
  balancer,
  guard,
  LB,
  LSP,
  limits,
  markOf,
  nothing,
  passed,
  rowOf,
  strict,
  vips,
} from "./pruneGuardFixture.ts";
import { row } from "./worldFixture.ts";

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
    const g = guard(strict);
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
  assert.deepEqual(g.inTheWayOf([insert], nothing), [{ table: LB, uuid: "old" }]);
});

test("a Service's node port does not give way to a pod that asks for the number, and the pod waits", () => {
  const port = vips({ "172.30.0.12:30080": "b:1" });
  const service = balancer("service/a/web", "old", { "172.30.0.12:30080": "a:1" });
  const wanted = [[LB, "new"]] as const;
  const desired = new Desired();
  desired.replace("pod/a/b", [row(LB, "new", { name: "demo_hostport_a_b_tcp", ...port })]);
  const g = guard(strict);
  for (const absence of ["missing", "untrusted", "unplanned"] as const) {
    desired.replace("service/a/web", [], absence);
    assert.deepEqual(passed(desired, [[LB, service]], g, wanted), [], absence);
    assert.deepEqual([...g.held.keepers()], [{ table: LB, uuid: "new" }], "is looked at again");
  }
  assert.equal(g.heldRows, 1, "nothing of the pod's is taken away");
  desired.replace("service/a/web", [], "confirmed");
  forget(g, "old", "new");
  assert.deepEqual(passed(desired, [[LB, service]], g, wanted).toSorted(), ["delete old", "insert new"]);
});

test("what a pod has of its node stays while it waits for a port more", () => {
  const held = balancer("service/a/web", "old", { "172.30.0.12:30080": "a:1" });
  const before = balancer("pod/a/b", "own", { "172.30.0.12:8080": "b:1" });
  const desired = new Desired();
  desired.replace("service/a/web", [], "untrusted");
  const both = { "172.30.0.12:8080": "b:1", "172.30.0.12:30080": "b:1" };
  desired.replace("pod/a/b", [row(LB, "own", { ...vips(both), ...markOf("pod/a/b") })]);
  const rows = [[LB, held] as const, [LB, before] as const];
  assert.deepEqual(passed(desired, rows), []);
});

test("another pod's host port gives way: the scheduler puts no two on one node", () => {
  const held = balancer("pod/a/one", "old", { "172.30.0.12:8080": "a:1" });
  const desired = new Desired();
  desired.replace("pod/a/one", [], "untrusted");
  desired.replace("pod/a/two", [row(LB, "new", vips({ "172.30.0.12:8080": "b:1" }))]);
  const found = passed(desired, [[LB, held]], guard(strict), [[LB, "new"]]);
  assert.deepEqual(found.toSorted(), ["delete old", "insert new"]);
});

/** The rows are compared again. */
function forget(g: PruneGuard, ...uuids: readonly string[]): void {
  const again = new RowMap<true>();
  for (const uuid of uuids) again.set(LB, uuid, true);
  g.forget(again);
}
