import assert from "node:assert/strict";
import { test } from "node:test";
import { FenceLostError } from "../../src/apply/errors.ts";
import { startOvsdbServer } from "../real/ovsdbServer.ts";
import { bounded, byName, portFacts, schemaFile, startEngine, switchFacts } from "./engineWorld.ts";

test("an engine whose fence was taken over says so at once, and writes nothing more", bounded, async () => {
  await using server = await startOvsdbServer(schemaFile);
  await using stale = await startEngine({ remote: server.remote, holder: "stale" });
  stale.desired.replace("node/n1", switchFacts("n1"));
  await stale.engine.settled();
  await using leader = await startEngine({ remote: server.remote, desired: stale.desired, holder: "leader" });
  assert.deepEqual([stale.fence.epoch, leader.fence.epoch], [1, 2]);

  await assert.rejects(stale.ended, (error) => error instanceof FenceLostError && !error.retryable);
  assert.match(String(await stale.ended.catch(String)), /epoch 1 of the fence demo_fence is over/);
  stale.desired.replace("pod/a", portFacts("a", "n1"));
  await leader.engine.committed("pod/a");
  assert.equal(stale.committed.length, 1);
});

test("the fence row is Weft's, and yet no prune takes it", bounded, async () => {
  await using server = await startOvsdbServer(schemaFile);
  await using running = await startEngine({ remote: server.remote });
  running.desired.replace("node/n1", switchFacts("n1"));
  await running.engine.settled();
  running.desired.remove("node/n1");
  await running.engine.settled();
  const row = byName(running.replica, "Address_Set", "demo_fence");
  assert.deepEqual(
    ["weft.io/cluster", "weft.io/owner", "weft.io/epoch"].map((key) => row?.external_ids.get(key)),
    ["demo", "fence", "1"],
  );
});

test(
  "of several that take the fence at once each gets an epoch of its own, and the last holds it",
  bounded,
  async () => {
    await using server = await startOvsdbServer(schemaFile);
    const engines = await Promise.all(
      Array.from({ length: 5 }, (_, i) => startEngine({ remote: server.remote, holder: `c${i}` })),
    );
    await using all = new AsyncDisposableStack();
    for (const running of engines) all.use(running);
    const epochs = engines.map(({ fence }) => fence.epoch ?? 0);
    assert.deepEqual(
      epochs.toSorted((a, b) => a - b),
      [1, 2, 3, 4, 5],
    );
    for (const [i, running] of engines.entries()) {
      // Each engine has a row of its own: a row that another engine has already written is as wanted, and nothing would
      // be sent.
      const name = `n${i}`;
      running.desired.replace(`node/${name}`, switchFacts(name));
      if (epochs[i] === 5) await running.engine.committed(`node/${name}`);
      else await assert.rejects(running.ended, FenceLostError);
    }
  },
);
