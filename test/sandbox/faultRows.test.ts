// When Weft's rows are edited and deleted behind its back, they are put back, in every table that it writes. Other
// people's rows and members stay as they are. All this on a living cluster, whose traffic works again afterwards.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { demoApps, demoObjects } from "../../sandbox/demo/objects.ts";
import { pathsBetween } from "../../sandbox/demo/paths.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster } from "./cluster.ts";

const nodes = ["n1", "n2"];

/** What is done to every row of the table: the arguments of ovn-nbctl around the table's name and the row's UUID. */
const strokes: Readonly<Record<string, readonly (readonly [verb: string, ...what: readonly string[]])[]>> = {
  Logical_Switch: [
    ["set", "name=stolen"],
    ["clear", "external_ids"],
  ],
  Logical_Switch_Port: [
    ["clear", "addresses"],
    ["clear", "port_security"],
    ["set", "external_ids:weft.io/cluster=other", "options:requested-chassis=elsewhere"],
  ],
  Logical_Router: [
    ["set", "name=stolen"],
    ["clear", "external_ids"],
  ],
  Logical_Router_Port: [["set", 'mac="0a:00:00:00:00:01"']],
  Logical_Router_Static_Route: [["set", 'nexthop="9.9.9.9"']],
  Logical_Router_Policy: [["set", "priority=7"]],
  NAT: [
    ["set", 'external_ip="9.9.9.9"'],
    ["clear", "external_ids"],
  ],
  Load_Balancer: [["clear", "vips", "external_ids"]],
  Load_Balancer_Group: [["clear", "load_balancer"]],
  Static_MAC_Binding: [["set", 'mac="0a:00:00:00:00:02"']],
};

/** Rows that stay when nothing refers to them. Deleting them deletes the rows that they hold. */
const roots = [
  "Logical_Switch",
  "Logical_Router",
  "Load_Balancer",
  "Load_Balancer_Group",
  "Static_MAC_Binding",
];
/** Which rows hold those of the other tables. */
const holders = [
  ["Logical_Switch", "ports"],
  ["Logical_Router", "ports"],
  ["Logical_Router", "static_routes"],
  ["Logical_Router", "policies"],
  ["Logical_Router", "nat"],
] as const;

suite("rows behind Weft's back", suiteLimit, () => {
  let cluster: Cluster;
  let whole: Contents;

  before(async () => {
    cluster = await Cluster.up({ name: "testrows", nodes: nodes.length });
    await cluster.apply(...demoObjects(nodes, [4, 6]).items);
    for (const { namespace } of demoApps) await cluster.podsReady(namespace);
    await cluster.serveEcho("outside", 53, 8080);
    await becomes("all paths work", [], failures);
    whole = await contents();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  for (const [table, verbs] of Object.entries(strokes)) {
    test(`edits of every ${table} are put back`, async () => {
      const rows = uuidsIn(whole, table);
      assert.ok(rows.length > 0);
      await commit(rows.flatMap((row) => verbs.map(([verb, ...what]) => [verb, table, row, ...what])));
      await becomes(`${table} is as it was`, whole, contents);
    });
  }

  test("every row that can be deleted is put back", async () => {
    for (const table of roots) {
      // The only table whose rows others refer to strongly.
      const referrers = table === "Load_Balancer_Group" ? uuidsIn(whole, "Logical_Switch") : [];
      await commit([
        ...referrers.map((row) => ["clear", "Logical_Switch", row, "load_balancer_group"]),
        ...uuidsIn(whole, table).map((row) => ["destroy", table, row]),
      ]);
      await becomes(`every ${table} is back`, whole, contents);
    }
    for (const [table, column] of holders) {
      await commit(uuidsIn(whole, table).map((row) => ["clear", table, row, column]));
      await becomes(`${column} of every ${table} are back`, whole, contents);
    }
  });

  test("when its fence is deleted the controller makes another and keeps leading", async () => {
    const [fence = ""] = await cluster.rows("Address_Set", "_uuid", "name=weft_fence");
    await commit([["destroy", "Address_Set", fence]]);
    await commit(uuidsIn(whole, "NAT").map((row) => ["set", "NAT", row, 'external_ip="9.9.9.9"']));
    await becomes("NAT is as it was", whole, contents);
  });

  test("rows and members of others stay as they are, while Weft's beside them are repaired", async () => {
    const first = (table: string): string => uuidsIn(whole, table)[0] ?? "";
    const route = ['ip_prefix="203.0.113.0/24"', 'nexthop="100.64.0.2"'];
    await commit([
      ["--id=@port", "create", "Logical_Switch_Port", "name=weft_pod_shop_foreign"],
      ["add", "Logical_Switch", first("Logical_Switch"), "ports", "@port"],
      ["--id=@route", "create", "Logical_Router_Static_Route", ...route],
      ["add", "Logical_Router", first("Logical_Router"), "static_routes", "@route"],
      ["--id=@lb", "create", "Load_Balancer", "name=weft_foreign"],
      ["add", "Load_Balancer_Group", first("Load_Balancer_Group"), "load_balancer", "@lb"],
      ["create", "Logical_Switch", "name=weft_node_n9"],
      ["create", "Address_Set", "name=weft_foreign", "external_ids:weft.io/cluster=other"],
    ]);
    const withForeign = await contents();
    assert.notDeepEqual(withForeign, whole);
    await commit(
      ["NAT", "Load_Balancer", "Logical_Router_Policy", "Logical_Switch_Port"].flatMap((table) =>
        uuidsIn(whole, table).flatMap((row) =>
          (strokes[table] ?? []).map(([verb, ...what]) => [verb, table, row, ...what]),
        ),
      ),
    );
    await becomes("Weft's rows are as they were, the others too", withForeign, contents);
    await cluster.kubectl("delete", "pod", "-n", "shop", "web-n1");
    await cluster.apply(...demoObjects(nodes, [4, 6]).items);
    await cluster.podsReady("shop", "web-n1");
    const gone = await missingFrom(withForeign);
    assert.deepEqual(
      gone.filter((row) => !row.includes("web-n1")),
      [],
    );
  });

  test("traffic works", async () => {
    await becomes("all paths work", [], failures);
    await becomes("healthy", 0, async () => (await cluster.weft("status")).status);
  });

  type Contents = ReadonlyMap<string, readonly string[]>;

  /** Every row of every table that Weft writes, except its fence, as ovn-nbctl prints it: the UUID first. */
  async function contents(): Promise<Contents> {
    const tables = [...Object.keys(strokes), "Address_Set"];
    const texts = await Promise.all(
      tables.map((table) => cluster.northbound("-f", "csv", "--no-headings", "-d", "bare", "list", table)),
    );
    return new Map(
      tables.map((table, index) => [
        table,
        (texts[index] ?? "")
          .split("\n")
          .filter((row) => row !== "" && !row.includes("weft_fence"))
          .toSorted((a, b) => a.localeCompare(b, "en")),
      ]),
    );
  }

  function uuidsIn(all: Contents, table: string): readonly string[] {
    return (all.get(table) ?? []).map((row) => row.slice(0, 36));
  }

  async function missingFrom(all: Contents): Promise<readonly string[]> {
    const now = await contents();
    return [...all].flatMap(([table, rows]) => {
      const uuids = new Set(uuidsIn(now, table));
      return rows.filter((row) => !uuids.has(row.slice(0, 36)));
    });
  }

  /** One transaction. */
  async function commit(commands: readonly (readonly string[])[]): Promise<void> {
    await cluster.northbound(...commands.flatMap((command) => ["--", ...command]));
  }

  async function failures(): Promise<readonly string[]> {
    const paths = pathsBetween(await cluster.places());
    const checked = await checkPaths(cluster.sandbox, paths, () => undefined);
    return checked.flatMap(({ path, result }) => (result.ok ? [] : [`${path.id}: ${result.words}`]));
  }
});
