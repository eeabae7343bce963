// A database whose schema changes under its clients: on one server, on every member of a cluster, and on a relay.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Marker, Transaction } from "../../src/ovsdb/index.ts";
import { startRelayServer } from "../real/ovsdbServer.ts";
import { until } from "../real/until.ts";
import { begin, newerZoo, newerZooJson, startZoo, startZooCluster, visit, zoo, zooJson } from "./ovsdbZoo.ts";

const timeout = { timeout: 60_000 };
const soon = (): AbortSignal => AbortSignal.timeout(20_000);
const uuid = "00000000-0000-4000-8000-00000000000a";

test("a database is converted under its clients, and none of them has to reconnect", timeout, async () => {
  await using server = await startZoo();
  const log: string[] = [];
  await using old = await visit(server.remote, { log: (_, message) => log.push(message) });
  await using session = await visit(server.remote);
  await session.transact(begin().insert("Animal", { name: "cat", weight: 4.5 }, uuid));
  const replica = old.replica(zoo, { Animal: true });
  const newer = old.replica(newerZoo, { Animal: true });

  await Promise.all([replica.ready(soon()), newer.ready(soon())]);
  assert.equal(newer.table("Animal").get(uuid)?.colour, "");

  await session.convert(newerZooJson);
  const paint = new Transaction(newerZoo).update("Animal", uuid, { colour: "red" });
  await session.transact(paint);
  await until("the new column is there", () => newer.table("Animal").get(uuid)?.colour === "red");
  await until("the old column is empty", () => replica.table("Animal").get(uuid)?.weight === 0);
  assert.equal(old.serverSchema?.version, "2.0.0");
  assert.deepEqual(log, ["connected", "converted"]);
  // Back and forth at once: only the last one counts, even for a session without replicas.
  await Promise.all([session.convert(zooJson), session.convert(newerZooJson), session.convert(zooJson)]);
  await session.transact(begin().update("Animal", uuid, { weight: 5 }));
  await until("the old column is back", () => replica.table("Animal").get(uuid)?.weight === 5);
  assert.deepEqual(new Set(log.slice(2)), new Set(["converted"]));
  await assert.rejects(session.convert({ name: "Zoo" }), { code: "syntax error" });
  await assert.rejects(session.convert({ ...zooJson, name: "Aquarium" }), { code: "invalid parameters" });
});

test("a cluster is converted through a follower, and its clients stay where they are", timeout, async () => {
  // An election in between would send clients elsewhere, and a slow machine holds one every few seconds by default.
  await using cluster = await startZooCluster({ electionTimerMs: 30_000 });
  await using relay = await startRelayServer("Zoo", cluster.remotes);
  await using stack = new AsyncDisposableStack();
  const logs: string[][] = [];
  const visitors = await Promise.all(
    [...cluster.remotes, relay.remote].map(async (remote, index) => {
      const log: string[] = [];
      logs[index] = log;
      const session = stack.use(
        await visit(remote, { maxBackoffMs: 100, log: (_, message) => log.push(message) }),
      );
      return { session, replica: session.replica(newerZoo, { Animal: true }) };
    }),
  );
  const follower = visitors[((await cluster.leader()) + 1) % 3];
  assert(follower);
  await follower.session.transact(begin().insert("Animal", { name: "cat", weight: 4.5, legs: 0 }, uuid));
  for (const { replica } of visitors)
    await until("the cat is everywhere", () => replica.table("Animal").get(uuid) !== undefined);

  // Meanwhile a writer keeps counting through the relay, and each step counts once.
  const over = new AbortController();
  const marker = new Marker({ table: "Animal", uuid, column: "ids", key: "count" });
  let count = 0;
  const keepCounting = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const addOne = begin().mutateNumber("Animal", uuid, "legs", "+=", 1);
      await visitors[3]?.session.connected(soon());
      await visitors[3]?.session.transact(addOne, { marker, signal: soon() });
      count++;
      await sleep(1);
    }
  };
  const convertAndPaint = async (): Promise<void> => {
    await follower.session.convert(newerZooJson);
    for (const [index, { session }] of visitors.entries()) {
      await until("the newer schema is known", () => session.serverSchema?.version === "2.0.0");
      await session.connected(soon());
      const colour = `red ${index}`;
      await session.transact(new Transaction(newerZoo).update("Animal", uuid, { colour }));
      for (const { replica } of visitors)
        await until(`it is ${colour}`, () => replica.table("Animal").get(uuid)?.colour === colour);
    }
  };
  await Promise.all([keepCounting(), convertAndPaint().finally(() => over.abort())]);
  assert.equal((await follower.session.select(zoo, "Animal"))[0]?.legs, count);
  for (const log of logs) assert.deepEqual(log, ["connected", "converted"]);
  await assert.rejects(follower.session.convert({ ...zooJson, name: "Aquarium" }), {
    code: "invalid parameters",
  });
});
