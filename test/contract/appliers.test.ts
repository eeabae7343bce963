// Two zones with a northbound server each, served as one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Appliers } from "../../src/apply/appliers.ts";
import { Desired } from "../../src/desired/desired.ts";
import { startOvsdbServer } from "../real/ovsdbServer.ts";
import { bounded, schemaFile, startEngine, switchFacts, zoneOf } from "./engineWorld.ts";

test("a zone whose database is away keeps its own owners waiting and no others", bounded, async () => {
  await using east = await startOvsdbServer(schemaFile);
  await using west = await startOvsdbServer(schemaFile);
  const desired = new Desired();
  await using inEast = await startEngine({ remote: east.remote, desired, zone: "east" });
  await using inWest = await startEngine({ remote: west.remote, desired, zone: "west" });
  const appliers = new Appliers([
    [zoneOf("east").destination, inEast.engine],
    [zoneOf("west").destination, inWest.engine],
  ]);
  assert.deepEqual([...appliers.served], ["east/OVN_Northbound", "west/OVN_Northbound"]);

  await west.stop();
  desired.replace("node/e1", switchFacts("e1", zoneOf("east")));
  desired.replace("node/w1", switchFacts("w1", zoneOf("west")));
  await inEast.engine.committed("node/e1");
  await inEast.engine.settled();
  assert.equal(inEast.replica.table("Logical_Switch").size, 1);
  assert.equal(appliers.status.pendingOwners + appliers.status.dirty > 0, true);
  assert.deepEqual([inEast.engine.status.dirty, inEast.engine.status.pendingOwners], [0, 0]);

  const committed = appliers.committed("node/w1");
  await west.start();
  await committed;
  await appliers.settled();
  assert.equal(inWest.replica.table("Logical_Switch").size, 1);
  assert.equal(appliers.status.dirty, 0);

  for (const owner of ["node/e1", "node/w1"]) desired.replace(owner, [], "confirmed");
  await appliers.settled();
  assert.deepEqual(
    [inEast, inWest].map(({ replica }) => replica.table("Logical_Switch").size),
    [0, 0],
  );
});

test("what is in force on chassis is unknown as long as one zone cannot tell", bounded, async () => {
  await using server = await startOvsdbServer(schemaFile);
  await using running = await startEngine({ remote: server.remote });
  const appliers = new Appliers([[zoneOf().destination, running.engine]]);
  running.desired.replace("node/n1", switchFacts("n1"));
  assert.equal(await appliers.installed("node/n1", ["chassis-1"]), "unknown");
});
