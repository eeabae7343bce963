// Clusters of a single family: every path works, and nothing of the other family is requested or assigned.

import assert from "node:assert/strict";
import { test } from "node:test";
import { demoApps, demoObjects } from "../../sandbox/demo/objects.ts";
import { pathsBetween } from "../../sandbox/demo/paths.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import { becomes, Cluster } from "./cluster.ts";

for (const family of [4, 6] as const) {
  test(`in a cluster with only IPv${family} everything reaches everything`, { timeout: 80_000 }, async () => {
    await using cluster = await Cluster.up({ name: `testonly${family}`, nodes: 2, families: [family] });
    await cluster.apply(...demoObjects(["n1", "n2"], [family]).items);
    for (const { namespace } of demoApps) await cluster.podsReady(namespace);
    const places = await cluster.places();
    for (const { name, addresses } of places) {
      assert.equal(addresses.length, 1, name);
      assert.equal(addresses[0]?.includes(":"), family === 6, name);
    }
    const checked = await checkPaths(cluster.sandbox, pathsBetween(places), () => undefined);
    const failed = checked.filter(({ result }) => !result.ok);
    assert.deepEqual(
      failed.map(({ path, result }) => `${path.id}: ${result.words}`),
      [],
    );
    assert.ok(checked.length > 50);
    await becomes("healthy", 0, async () => (await cluster.weft("status")).status);
  });
}
