// `weft backup` and `weft restore`: a backup from a running cluster, then churn and loss, then the restore; and pods that run keep
// their addresses and reach everything.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { pathsBetween } from "../../sandbox/demo/paths.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";
import { dumpNorthbound, settled } from "./ovnDump.ts";

const ns = "kept";

suite("backup and restore", suiteLimit, () => {
  let cluster: Cluster;
  let folder: string;
  let file: string;

  const web = (name: string, node: string) => pod({ namespace: ns, name, node, labels: { app: "web" } });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "weft-backup-"));
    file = join(folder, "northbound.weft");
    cluster = await Cluster.up({ name: "backup", nodes: 2 });
    const spec = { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] };
    await cluster.apply(namespace(ns), service({ namespace: ns, name: "web", spec }));
    await cluster.apply(web("a", "n1"), web("b", "n2"), web("c", "n2"));
    await cluster.podsReady(ns);
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const contents = async (): Promise<readonly string[]> =>
    [...(await dumpNorthbound(cluster)).values()]
      .filter(({ name, table }) => name !== "weft_fence" && table !== "NB_Global")
      .map(({ table, text }) => `${table} ${text}`)
      .toSorted();
  const everythingIsReached = () =>
    becomes("every path works", [], async () => {
      const paths = pathsBetween(await cluster.places());
      return (await checkPaths(cluster.sandbox, paths, () => undefined))
        .filter(({ result }) => !result.ok)
        .map(({ path, result }) => `${path.id}: ${result.words}`);
    });
  /** A copy of the backup with another first line, or other rows. */
  async function changed(change: (text: string) => string): Promise<string> {
    const copy = join(folder, "changed.weft");
    await writeFile(copy, change(await readFile(file, "utf8")));
    return copy;
  }

  test("a backup is made while everything runs, says what it is, and is root's alone", async () => {
    const { status, stdout, stderr } = await cluster.weft("backup", file);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /: \d+ rows of cluster weft, schema 7\.\d+\.\d+\nnext: weft restore /);
    const header = JSON.parse((await readFile(file, "utf8")).split("\n")[0] ?? "");
    assert.deepEqual([header.cluster, header.database, header.weft], ["weft", "OVN_Northbound", "backup"]);
    assert.ok(Math.abs(Date.now() - Date.parse(header.time)) < 60_000);
    // The leader writes down from time to time what it knows of the API server.
    await eventually("the backup is what the database has", async () => {
      assert.equal((await cluster.weft("backup", file)).status, 0);
      const { stdout } = await cluster.weft("restore", file, "--dry-run");
      return /^would restore the state of .*: 0 rows added, 0 changed, 0 removed\nnext: stop the controllers/.test(
        stdout,
      );
    });
  });

  const refusals: readonly (readonly [string, (text: string) => string, readonly string[], RegExp])[] = [
    [
      "another cluster's",
      (text) => text.replace('"cluster":"weft"', '"cluster":"shop"'),
      [],
      /this is a backup of cluster shop, not of weft/,
    ],
    [
      "one for which another cluster is named",
      (text) => text,
      ["--cluster", "shop"],
      /this is a backup of cluster weft, not of shop/,
    ],
    [
      "a newer schema's",
      (text) => text.replace(/"schemaVersion":"[^"]*"/, '"schemaVersion":"99.0.0"'),
      [],
      /schema 99\.0\.0 is newer than the database's .*upgrade OVN's databases/,
    ],
    ["a damaged one", (text) => text.replace("weft_fence", "weft_fenc"), [], /the backup is damaged/],
    ["another file", () => "hello\n", [], /this file is not a backup made by weft/],
  ];
  for (const [what, change, args, message] of refusals)
    test(`a backup is refused: ${what}`, async () => {
      const { status, stderr } = await cluster.weft("restore", await changed(change), ...args);
      assert.equal(status, 2);
      assert.match(stderr, message);
    });

  test("a backup of a cluster that has no rows is refused", async () => {
    const { status, stderr } = await cluster.weft("backup", join(folder, "none"), "--cluster", "shop");
    assert.equal(status, 2);
    assert.match(
      stderr,
      /this database is of cluster weft, and not of shop: name the right one with --cluster/,
    );
  });

  test("a backup into a folder that is not there says so", async () => {
    const { status, stderr } = await cluster.weft("backup", join(folder, "none", "file"));
    assert.equal(status, 2);
    assert.match(stderr, /^weft: cannot write the backup \S+: there is no folder \S+; name another file$/m);
  });

  test("under a running controller nothing is restored, and the controller goes on", async () => {
    await cluster.apply(web("d", "n1"));
    await cluster.podsReady(ns, "d");
    const before = await settled(contents);
    const { status, stderr } = await cluster.weft("restore", file);
    assert.equal(status, 2);
    assert.match(stderr, /cluster weft is led by a running controller.*Nothing has been restored/);
    assert.deepEqual(await contents(), before);
  });

  test("after churn and the loss of a node's rows, a restore and a controller bring everything back, and no pod changes its address", async () => {
    await cluster.kubectl("delete", "pod", "-n", ns, "c", "--now");
    await cluster.apply(web("e", "n2"));
    const spec = { selector: { app: "web" }, ports: [{ port: 81, targetPort: 8080 }] };
    await cluster.apply(service({ namespace: ns, name: "later", spec }));
    await cluster.podsReady(ns);
    const addresses = () => Promise.all(["a", "b", "d", "e"].map((name) => cluster.addressesOf(ns, name)));
    const had = await addresses();
    await everythingIsReached();
    const before = await settled(contents);
    await cluster.sandbox.processes.stop("controller");
    await cluster.northbound("ls-del", "weft_switch_n2");
    await cluster.northbound("lb-del", "weft_svc_kept_web_tcp");
    const { status, stdout, stderr } = await cluster.weft("restore", file);
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /^restored the state of .*: [1-9]\d* rows added, [1-9]\d* changed, [1-9]\d* removed\nnext: start the controllers/,
    );
    const again = await cluster.weft("restore", file, "--dry-run");
    assert.match(again.stdout, /: 0 rows added, 0 changed, 0 removed/);
    await cluster.sandbox.processes.start("controller");
    await becomes("the rows are as before", before, contents);
    await everythingIsReached();
    assert.deepEqual(await addresses(), had);
    await cluster.apply(web("f", "n2"));
    await cluster.podsReady(ns, "f");
    const all = [...(await addresses()), await cluster.addressesOf(ns, "f")].flat();
    assert.equal(new Set(all).size, all.length);
  });
});
