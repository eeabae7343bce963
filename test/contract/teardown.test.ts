// `weft teardown` on a real northbound server with two clusters, and rows that belong to nobody.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { tryRun } from "../../sandbox/process/run.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { startOvsdbServer } from "../real/ovsdbServer.ts";
import {
  bounded,
  openSession,
  portFacts,
  schemaFile,
  startEngine,
  switchFacts,
  transaction,
  wholeReplica,
} from "./engineWorld.ts";

const weft = join(import.meta.dirname, "../../bin/weft");

test("a cluster's rows go, with its members in rows of others; all else stays", bounded, async () => {
  await using server = await startOvsdbServer(schemaFile);
  await using other = openSession(server.remote);
  await other.connected();
  const foreign = crypto.randomUUID();
  await other.transact(transaction().insert("Logical_Switch", { name: "theirs" }, foreign));
  const running = await startEngine({ remote: server.remote });
  running.desired.replace("node/n1", switchFacts("n1"));
  running.desired.replace("pod/a", portFacts("a", "n1"));
  await running.engine.settled();

  const teardown = (...flags: readonly string[]) =>
    tryRun([weft, "teardown", "--northbound", server.remote, ...flags], { timeoutMs: 30_000 });
  const dry = await teardown("--cluster", "demo", "--dry-run");
  assert.equal(dry.status, 0, dry.stderr);
  assert.match(dry.stdout, /^would delete 2 rows of cluster demo: 1 Logical_Switch, 1 Logical_Switch_Port\n/);
  assert.ok(dry.stdout.endsWith(`\nnext: weft teardown --northbound ${server.remote} --cluster demo\n`));
  assert.equal((await other.select(northbound, "Logical_Switch")).length, 2);

  await running.stop();
  const gone = await teardown("--cluster", "demo");
  assert.equal(gone.status, 0, gone.stderr);
  const left = await other.select(northbound, "Logical_Switch");
  assert.deepEqual(
    left.map(({ name }) => name),
    ["theirs"],
  );
  assert.deepEqual(await other.select(northbound, "Address_Set"), []);
  const again = await teardown("--cluster", "demo", "-o", "json");
  assert.deepEqual([again.status, JSON.parse(again.stdout).rows], [0, {}]);
});

test("a controller that still leads is detected before anything is deleted", bounded, async () => {
  await using server = await startOvsdbServer(schemaFile);
  let leader = await startEngine({ remote: server.remote, holder: "one" });
  leader.desired.replace("node/n1", switchFacts("n1"));
  await leader.engine.settled();
  await using other = openSession(server.remote);
  const replica = wholeReplica(other);
  await replica.ready();
  let gone = 0;
  replica.subscribe((changes) => {
    gone += changes.filter(({ table, new: now }) => table === "Logical_Switch" && !now).length;
  });
  // What a controller does when it loses its fence: it begins a new term.
  const again = leader.ended.catch(async () => {
    await leader.stop();
    leader = await startEngine({ remote: server.remote, holder: "two", desired: leader.desired });
  });
  const weftTeardown = [weft, "teardown", "--northbound", server.remote, "--cluster", "demo"] as const;
  const torn = await tryRun(weftTeardown, { timeoutMs: 30_000 });
  await again;
  await leader.engine.settled();
  assert.deepEqual([...leader.engine.owned()], [["Logical_Switch", 1]]);
  await leader.stop();
  assert.equal(torn.status, 2);
  assert.equal(gone, 0, "no row went, not even for a moment");
  assert.match(torn.stderr, /cluster demo is still led by a controller: stop it, then run this again/);
});

test("a teardown whose time is up says so, and can be repeated", bounded, async () => {
  await using server = await startOvsdbServer(schemaFile);
  const running = await startEngine({ remote: server.remote });
  running.desired.replace("node/n1", switchFacts("n1"));
  await running.engine.settled();
  await running.stop();
  const weftTeardown = [weft, "teardown", "--northbound", server.remote, "--cluster", "demo"] as const;
  const late = await tryRun([...weftTeardown, "--timeout", "1"], { timeoutMs: 30_000 });
  assert.equal(late.status, 2);
  assert.match(late.stderr, /the teardown of cluster demo has not ended within 1 s: run it again/);
  const done = await tryRun(weftTeardown, { timeoutMs: 30_000 });
  assert.equal(done.status, 0, done.stderr);
});
