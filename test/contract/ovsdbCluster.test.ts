// The session against a real RAFT cluster of three: resuming, following the leader, surviving the loss of a member.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, Session, Transaction } from "../../src/ovsdb/index.ts";
import { startOvsdbCluster } from "../real/ovsdbCluster.ts";
import { northboundSchema } from "../real/ovsdbServer.ts";
import { startRelay } from "../real/relay.ts";

const database = "OVN_Northbound";
const timeout = { timeout: 90_000 };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const begin = (): Transaction<NorthboundTables> => new Transaction(northbound);

test("after a cut the replica resumes where it was: only what changed is copied", timeout, async () => {
  await using cluster = await startOvsdbCluster(northboundSchema, database);
  const [first] = cluster.remotes;
  assert(first !== undefined);
  await using writer = new Session({ remotes: cluster.remotes, database, leaderOnly: true });
  writer.start();
  await writer.connected(soon());
  const uuids = Array.from({ length: 2000 }, () => crypto.randomUUID());
  // In many transactions: a server forgets history that is larger than the database.
  for (let from = 0; from < uuids.length; from += 100) {
    const rows = begin();
    for (const uuid of uuids.slice(from, from + 100))
      rows.insert("Address_Set", { name: uuid, addresses: ["10.0.0.1", "10.0.0.2"] }, uuid);
    await writer.transact(rows);
  }

  await using relay = await startRelay(first);
  await using reader = new Session({ remotes: [relay.remote], database, minBackoffMs: 20 });
  const replica = reader.replica(northbound, { Address_Set: true });
  reader.start();
  await replica.ready(soon());
  assert.equal(replica.table("Address_Set").size, 2000);
  const firstCopy = relay.bytesToClient;

  relay.cut();
  const [changed = "", gone = ""] = uuids;
  await writer.transact(
    begin()
      .delete("Address_Set", gone)
      .mutateSet("Address_Set", changed, "addresses", "insert", ["10.0.0.3"]),
  );
  while (replica.table("Address_Set").get(gone)) await sleep(20, undefined, { signal: soon() });
  assert.deepEqual(replica.table("Address_Set").get(changed)?.addresses, [
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
  ]);
  assert.equal(replica.table("Address_Set").size, 1999);
  // The schema is read anew, the 2,000 rows are not.
  const again = relay.bytesToClient - firstCopy;
  assert(again < firstCopy / 4, `${again} bytes after the cut, ${firstCopy} at first`);
});

test(
  "a leader that dies is left for the new one, and no transaction is lost or doubled",
  timeout,
  async () => {
    await using cluster = await startOvsdbCluster(northboundSchema, database);
    const log: unknown[] = [];
    await using session = new Session({
      remotes: cluster.remotes,
      database,
      leaderOnly: true,
      minBackoffMs: 20,
      log: (_level, message, { remote }) => message === "connected" && log.push(remote),
    });
    session.start();
    const replica = session.replica(
      northbound,
      { Address_Set: true },
      { indexes: { Address_Set: ["name"] } },
    );
    await replica.ready(soon());
    const before = await cluster.leader();
    assert.equal(log.at(-1), cluster.remotes[before]);

    const names = Array.from({ length: 40 }, (_, index) => `set-${index}`);
    for (const [index, name] of names.entries()) {
      if (index === 20) await cluster.members[before]?.stop("SIGKILL");
      await commitOnce(session, name);
    }
    await replica.ready(soon());
    const found = [...replica.table("Address_Set").values()].map(({ name }) => name);
    assert.deepEqual(found.sort(), names.sort());
    const after = await cluster.leader();
    assert.notEqual(after, before);
    assert.equal(log.at(-1), cluster.remotes[after]);
  },
);

/** Inserts a row under a UUID of its own until it is known to be there. */
async function commitOnce(session: Session, name: string): Promise<void> {
  const insert = begin().insert("Address_Set", { name }, crypto.randomUUID());
  const signal = soon();
  for (;;) {
    await session.connected(signal);
    try {
      await session.transact(insert, { signal });
      return;
    } catch (error) {
      if (isOvsdbError(error, "duplicate uuid")) return;
      if (!isOvsdbError(error) || !error.retryable) throw error;
    }
  }
}

test("a compare-and-swap fails for the one who is late, on every member", timeout, async () => {
  await using cluster = await startOvsdbCluster(northboundSchema, database);
  const epoch = crypto.randomUUID();
  const sessions = cluster.remotes.map((remote) => new Session({ remotes: [remote], database }));
  try {
    for (const session of sessions) session.start();
    await Promise.all(sessions.map((session) => session.connected(soon())));
    await sessions[0]?.transact(begin().insert("Address_Set", { name: "epoch", addresses: ["1"] }, epoch));
    await sessions[1]?.transact(
      begin()
        .waitUntil("Address_Set", epoch, { addresses: ["1"] })
        .update("Address_Set", epoch, { addresses: ["2"] }),
    );
    for (const session of sessions) {
      const late = begin()
        .waitUntil("Address_Set", epoch, { addresses: ["1"] })
        .insert("Address_Set", { name: "late" });
      await assert.rejects(session.transact(late), {
        code: "timed out",
        operationIndex: 0,
        retryable: false,
      });
    }
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
});
