import assert from "node:assert/strict";
import { test } from "node:test";
import { FenceLostError } from "../../src/apply/errors.ts";
import { startOvsdbCluster } from "../real/ovsdbCluster.ts";
import { bounded, byName, portFacts, schemaFile, startEngine, switchFacts } from "./engineWorld.ts";

test("a stale leader's write is refused on any member of a cluster", bounded, async () => {
  await using cluster = await startOvsdbCluster(schemaFile, "OVN_Northbound");
  const staleRemotes = cluster.remotes;
  await using stack = new AsyncDisposableStack();
  const stale = await Promise.all(
    staleRemotes.map(async (remote, i) => {
      const running = stack.use(await startEngine({ remote, holder: `stale ${i}`, idle: true }));
      await running.fence.take(running.session, running.replica);
      return running;
    }),
  );
  await using leader = await startEngine({ remote: staleRemotes[0] ?? "", holder: "leader" });
  leader.desired.replace("node/n1", switchFacts("n1"));
  await leader.engine.committed("node/n1");
  assert.equal(leader.fence.epoch, 4);

  for (const running of stale) {
    running.desired.replace("node/n1", switchFacts("n1"));
    running.desired.replace("pod/stale", portFacts("stale", "n1"));
    running.engine.allSynced();
    await assert.rejects(running.engine.run(AbortSignal.timeout(20_000)), FenceLostError);
  }
  leader.desired.replace("pod/a", portFacts("a", "n1"));
  await leader.engine.committed("pod/a");
  assert.equal(byName(leader.replica, "Logical_Switch_Port", "stale"), undefined);
});

test(
  "an engine goes on when the member it talks to is killed, and the new leader is found",
  bounded,
  async () => {
    await using cluster = await startOvsdbCluster(schemaFile, "OVN_Northbound");
    const first = await cluster.leader();
    const remotes = [...cluster.remotes.slice(first), ...cluster.remotes.slice(0, first)];
    await using running = await startEngine({ remote: remotes });
    running.desired.replace("node/n1", switchFacts("n1"));
    await running.engine.committed("node/n1");
    await cluster.members[first]?.stop("SIGKILL");
    for (let i = 0; i < 20; i++) running.desired.replace(`pod/p${i}`, portFacts(`p${i}`, "n1"));
    for (let i = 0; i < 20; i++) await running.engine.committed(`pod/p${i}`, AbortSignal.timeout(30_000));
    assert.equal(byName(running.replica, "Logical_Switch", "n1")?.ports.length, 20);
    assert.deepEqual(running.refused, []);
  },
);
