import assert from "node:assert/strict";
import { test } from "node:test";
import { startOvsdbServer } from "../real/ovsdbServer.ts";
import { bounded, portFacts, schemaFile, startEngine, switchFacts } from "./engineWorld.ts";

test("facts that change while the database is away are applied when it is back", bounded, async () => {
  await using server = await startOvsdbServer(schemaFile);
  await using running = await startEngine({ remote: server.remote });
  running.desired.replace("node/n1", switchFacts("n1"));
  await running.engine.settled();
  await server.stop();
  for (let i = 0; i < 10; i++) running.desired.replace(`pod/p${i}`, portFacts(`p${i}`, "n1"));
  await server.start();
  for (let i = 0; i < 10; i++) await running.engine.committed(`pod/p${i}`);
  assert.equal(running.replica.table("Logical_Switch_Port").size, 10);
});

test("a server that is killed again and again under load loses and doubles nothing", bounded, async () => {
  await using server = await startOvsdbServer(schemaFile);
  await using running = await startEngine({
    remote: server.remote,
    limits: { batch: { changes: 6, bytes: 100_000 } },
  });
  running.desired.replace("node/n1", switchFacts("n1"));
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 60; i++)
      running.desired.replace(`pod/p${round}-${i}`, portFacts(`p${round}-${i}`, "n1"));
    await running.engine.committed("node/n1");
    await server.stop("SIGKILL");
    await server.start();
  }
  await running.engine.settled();
  const ports = [...running.replica.table("Logical_Switch_Port").values()];
  assert.deepEqual([ports.length, new Set(ports.map(({ name }) => name)).size], [300, 300]);
  assert.deepEqual(running.refused, []);
});
