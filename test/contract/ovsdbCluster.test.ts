// The session with a real RAFT cluster: it follows the leader, survives the loss of a member, and does not go back in
// time.

import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, Marker, Session, Transaction } from "../../src/ovsdb/index.ts";
import { makeFolder } from "../real/atExit.ts";
import { commitOnce } from "../real/commitOnce.ts";
import { startOvsdbCluster } from "../real/ovsdbCluster.ts";
import { freePort, northboundSchema, run, startServer } from "../real/ovsdbServer.ts";
import { until } from "../real/until.ts";

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

test("a compare-and-swap that comes too late fails on every member", timeout, async () => {
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

const uuid = "00000000-0000-4000-8000-00000000000a";
const place = { table: "NB_Global", uuid, column: "external_ids", key: "count" };
const addOne = (): Transaction<NorthboundTables> =>
  begin().mutateNumber("NB_Global", uuid, "nb_cfg", "+=", 1);

/** A session that records which remotes it is connected to. */
function open(remotes: readonly string[], leaderOnly: boolean): { session: Session; met: unknown[] } {
  const met: unknown[] = [];
  const session = new Session({
    remotes,
    database,
    leaderOnly,
    minBackoffMs: 20,
    maxBackoffMs: 100,
    log: (_level, message, { remote }) => message === "connected" && met.push(remote),
  });
  session.start();
  return { session, met };
}

test(
  "when the lead is handed over, only who wants the leader moves, and a count goes on",
  timeout,
  async () => {
    await using cluster = await startOvsdbCluster(northboundSchema, database);
    const { session, met } = open(cluster.remotes, true);
    const { session: other, met: otherMet } = open(cluster.remotes, false);
    await using stack = new AsyncDisposableStack();
    for (const one of [session, other]) await stack.use(one).connected(soon());
    await session.transact(begin().insert("NB_Global", {}, uuid));
    const marker = new Marker(place);
    const count = 90;
    const rounds = 3;
    for (let done = 0; done < count; done++) {
      if (done % (count / rounds) === 10) {
        const leader = cluster.members[await cluster.leader()];
        const ctl = join(leader?.folder ?? "", "ctl");
        await run("ovs-appctl", ["-t", ctl, "cluster/failure-test", "transfer-leadership"]);
      }
      await session.connected(soon());
      await session.transact(addOne(), { marker, signal: soon() });
    }
    const [root] = await other.select(northbound, "NB_Global");
    assert.equal(root?.nb_cfg, count);
    while (session.state !== "connected") await session.connected(soon());
    assert.equal(met.at(-1), cluster.remotes[await cluster.leader()]);
    assert(met.length > rounds, `the leader moved ${rounds} times, the session ${met.length - 1}`);
    assert.equal(otherMet.length, 1);
  },
);

test(
  "a leader without its peers is abandoned, and the outcome of what it accepted is found elsewhere",
  timeout,
  async () => {
    await using cluster = await startOvsdbCluster(northboundSchema, database);
    const { session, met } = open(cluster.remotes, true);
    await using _ = session;
    await session.connected(soon());
    await session.transact(begin().insert("NB_Global", {}, uuid));
    const marker = new Marker(place);
    await session.transact(addOne(), { marker });

    const alone = await cluster.leader();
    cluster.isolate(alone);
    const insert = begin().insert("Address_Set", { name: "a" }, crypto.randomUUID());
    const lost = assert.rejects(
      session.transact(insert),
      (error) => isOvsdbError(error, "connection lost") && error.outcomeUnknown,
    );
    // Both are in the log of a leader that will never commit them.
    await session.transact(addOne(), { marker, signal: soon() });
    await lost;
    assert.notEqual(met.at(-1), cluster.remotes[alone]);
    await commitOnce(session, "b");
    cluster.rejoin(alone);
    await cluster.settled(alone);
    await session.transact(addOne(), { marker, signal: soon() });
    for (const remote of cluster.remotes) {
      const { session: reader } = open([remote], false);
      using replica = reader.replica(northbound, { NB_Global: true, Address_Set: { columns: ["name"] } });
      await reader.connected(soon());
      await replica.ready(soon());
      await until("it has counted to 3", () => replica.table("NB_Global").get(uuid)?.nb_cfg === 3);
      assert.deepEqual(
        [...replica.table("Address_Set").values()].map(({ name }) => name),
        ["b"],
      );
      await reader[Symbol.asyncDispose]();
    }
  },
);

test(
  "a member that is behind what was seen is refused by its index, until it is not behind",
  timeout,
  async () => {
    await using cluster = await startOvsdbCluster(northboundSchema, database, { members: 1 });
    const [member] = cluster.members;
    assert(member);
    const folder = await makeFolder("weft-ovsdb-");
    const port = await freePort();
    const { session } = open([member.remote, `tcp:127.0.0.1:${port}`], false);
    await using _ = session;
    const replica = session.replica(northbound, { Address_Set: { columns: ["name"] } });
    await session.connected(soon());
    await commitOnce(session, "old");
    await copyFile(join(member.folder, "db"), join(folder, "db"));
    for (const name of ["new", "newer", "newest"]) await commitOnce(session, name);
    await replica.ready(soon());

    // The same cluster, as it was a few transactions ago.
    await member.stop();
    await using behind = await startServer(folder, join(folder, "db"), port);
    await until("the stale member is refused", () =>
      /stale: at index \d+, but \d+ was seen/.test(session.lastError?.message ?? ""),
    );
    assert.equal(session.lastError?.code, "not leader");
    assert.notEqual(session.state, "connected");
    assert.equal(replica.table("Address_Set").size, 4);
    assert.equal(replica.synced, false);

    const { session: unaware } = open([behind.remote], false);
    await using __ = unaware;
    await unaware.connected(soon());
    // It diverges from the original, so its rows are only accepted once it has come as far.
    for (let index = 0; session.state !== "connected"; index++) {
      assert(index < 100);
      await commitOnce(unaware, `own-${index}`);
      await sleep(50);
    }
    await replica.ready(soon());
    const rows = await unaware.select(northbound, "Address_Set", [], { columns: ["name"] });
    const byName = (of: Iterable<{ readonly name: string }>): string[] =>
      [...of].map(({ name }) => name).sort();
    await until("all rows are there", () => replica.table("Address_Set").size === rows.length);
    assert.deepEqual(byName(replica.table("Address_Set").values()), byName(rows));
  },
);
