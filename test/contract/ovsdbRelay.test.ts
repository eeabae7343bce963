// The session with ovsdb-server as a relay: a server that has the rows but not the database, and passes transactions on
// to a source that may go away.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, Marker, Session, Transaction } from "../../src/ovsdb/index.ts";
import { makeFolder } from "../real/atExit.ts";
import { startOvsdbCluster } from "../real/ovsdbCluster.ts";
import { freePort, northboundSchema, startRelayServer, startServer } from "../real/ovsdbServer.ts";
import { startRelay } from "../real/relay.ts";
import { until } from "../real/until.ts";
import { begin, startZoo, visit, zoo } from "./ovsdbZoo.ts";

const timeout = { timeout: 60_000 };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const uuid = "00000000-0000-4000-8000-00000000000a";
const place = { table: "Animal", uuid, column: "ids", key: "test" };
const addOne = (): Transaction => begin().mutateNumber("Animal", uuid, "legs", "+=", 1);

test("a relay commits, refuses and copies as its source does, but no lock holds there", timeout, async () => {
  await using server = await startZoo();
  await using relay = await startRelayServer("Zoo", [server.remote]);
  await using session = await visit(relay.remote, { leaderOnly: true });
  const replica = session.replica(zoo, { Animal: true });
  await replica.ready(soon());
  const insert = begin().insert("Animal", { name: "cat", legs: 4 }, uuid);
  assert.deepEqual(await session.transact(insert), { operations: [{ uuid }] });
  assert.equal(replica.table("Animal").get(uuid)?.name, "cat");
  const refused = [
    [insert, "duplicate uuid", 0],
    [begin().comment("x").waitUntil("Animal", uuid, { legs: 3 }), "timed out", 1],
    [begin().mutateNumber("Animal", uuid, "legs", "/=", 0), "domain error", 0],
    [begin().insert("Animal", {}).abort(), "aborted", 1],
    [begin().delete("Animal", "00000000-0000-4000-8000-00000000000b"), "no row", 0],
  ] as const;
  for (const [transaction, code, operationIndex] of refused)
    await assert.rejects(session.transact(transaction), { code, operationIndex });
  const lock = session.lock("keeper");
  await lock.acquired(soon());
  const guarded = begin().assert("keeper").insert("Animal", {});
  await assert.rejects(session.transact(guarded), { code: "not owner", operationIndex: 0 });
  const marker = new Marker(place);
  for (let sum = 5; sum < 8; sum++) {
    assert.deepEqual(await session.transact(addOne(), { marker }), { operations: [{ count: 1 }] });
    assert.equal(replica.table("Animal").get(uuid)?.legs, sum);
  }
});

test("what a relay passed on before it lost its source has an unknown outcome", timeout, async () => {
  await using server = await startZoo();
  await using direct = await visit(server.remote);
  await direct.transact(begin().insert("Animal", { legs: 0 }, uuid));
  let losing = 0;
  await using wire = await startRelay(server.remote, {
    toClient: (chunk) => (chunk.includes('"result":[{') && losing > 0 && losing-- ? undefined : chunk),
  });
  await using relay = await startRelayServer("Zoo", [wire.remote]);
  await using session = await visit(relay.remote, { minBackoffMs: 5, maxBackoffMs: 50 });
  losing = 1;
  await assert.rejects(
    session.transact(addOne()),
    (error) => isOvsdbError(error, "connection lost") && error.outcomeUnknown && error.retryable,
  );
  const legs = async (): Promise<unknown> =>
    (await direct.select(zoo, "Animal", [["_uuid", "==", uuid]]))[0]?.legs;
  assert.equal(await legs(), 1);
  const marker = new Marker(place);
  await session.transact(addOne(), { marker });
  losing = 1;
  const { recovered } = await session.transact(addOne(), { marker });
  assert.equal(recovered, true);
  assert.equal(await legs(), 3);
});

test("a relay that has no source yet is passed over, and taken when it has one", timeout, async () => {
  await using server = await startZoo();
  await server.stop();
  const folder = await makeFolder("weft-ovsdb-relay-");
  await using relay = await startServer(folder, `relay:Zoo:${server.remote}`, await freePort());
  await using session = new Session({ remotes: [relay.remote], database: "Zoo", maxBackoffMs: 50 });
  session.start();
  await until("the relay is refused", () => session.lastError !== undefined);
  assert.deepEqual([session.lastError?.code, session.lastError?.retryable], ["database not available", true]);
  await server.start();
  await session.connected(soon());
  await session.transact(begin().insert("Animal", { legs: 1 }));
});

test("through a relay a count goes on while the members behind it die, once each", timeout, async () => {
  await using cluster = await startOvsdbCluster(northboundSchema, "OVN_Northbound");
  await using relay = await startRelayServer("OVN_Northbound", cluster.remotes);
  await using session = new Session({
    remotes: [relay.remote],
    database: "OVN_Northbound",
    minBackoffMs: 20,
    maxBackoffMs: 100,
  });
  session.start();
  await session.connected(soon());
  await session.transact(new Transaction(northbound).insert("NB_Global", {}, uuid));
  const marker = new Marker({ table: "NB_Global", uuid, column: "external_ids", key: "count" });
  const count = 200;
  const restarts: Promise<void>[] = [];
  for (let done = 0; done < count; done++) {
    if (done % 100 === 50) {
      const leader = cluster.members[await cluster.leader()];
      await leader?.stop("SIGKILL");
      // Meanwhile the others elect a leader.
      restarts.push(sleep(2000).then(() => leader?.start()));
    }
    const one = new Transaction(northbound).mutateNumber("NB_Global", uuid, "nb_cfg", "+=", 1);
    await session.connected(soon());
    await session.transact(one, { marker, signal: soon() });
  }
  await Promise.all(restarts);
  const [root] = await session.select(northbound, "NB_Global");
  assert.equal(root?.nb_cfg, count);
});
