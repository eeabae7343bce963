// The session against a real RAFT cluster: following the leader, surviving the loss of a member, not going back in time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, Session, Transaction } from "../../src/ovsdb/index.ts";
import { startOvsdbCluster } from "../real/ovsdbCluster.ts";
import { northboundSchema } from "../real/ovsdbServer.ts";

const database = "OVN_Northbound";
const timeout = { timeout: 90_000 };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const begin = (): Transaction<NorthboundTables> => new Transaction(northbound);

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
