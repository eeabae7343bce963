// The session with a real ovsdb-server: transactions and their errors, lost answers, servers that go and come back.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, Session, type SessionOptions, Transaction } from "../../src/ovsdb/index.ts";
import { northboundSchema, run, select, startOvsdbServer } from "../real/ovsdbServer.ts";
import { startRelay } from "../real/relay.ts";

const timeout = { timeout: 30_000 };
const database = "OVN_Northbound";

async function connected(
  options: Partial<SessionOptions> & { remotes: readonly string[] },
): Promise<Session> {
  const session = new Session({ database, minBackoffMs: 20, ...options });
  session.start();
  await session.connected(AbortSignal.timeout(10_000));
  return session;
}

const begin = (): Transaction<NorthboundTables> => new Transaction(northbound);

test("a transaction commits over a unix socket and over TCP", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  for (const remote of [server.remote, server.tcpRemote]) {
    await using session = await connected({ remotes: [remote] });
    const uuid = crypto.randomUUID();
    const result = await session.transact(
      begin().insert("Address_Set", { name: remote, addresses: ["10.0.0.1"] }, uuid),
    );
    assert.deepEqual(result, { operations: [{ uuid }] });
  }
  const names = (await select(server.remote, database, "Address_Set")).map(({ name }) => name);
  assert.deepEqual(new Set(names), new Set([server.tcpRemote, server.remote]));
});

test(
  "what the server refuses is an error with its code, and nothing of it is committed",
  timeout,
  async () => {
    await using server = await startOvsdbServer(northboundSchema);
    await using session = await connected({ remotes: [server.remote] });
    const [uuid, absent] = [crypto.randomUUID(), crypto.randomUUID()];
    await session.transact(begin().insert("Logical_Switch", { name: "s" }, uuid));
    const attempt = (): Transaction<NorthboundTables> => begin().insert("Logical_Router", { name: "never" });
    const refused = [
      [attempt().insert("Logical_Switch", {}, uuid), "duplicate uuid", 1],
      [
        attempt().update("Logical_Switch", uuid, { ports: [absent] }),
        "referential integrity violation",
        undefined,
      ],
      [attempt().insert("Logical_Switch_Port", { name: "p", tag: 5000 }), "constraint violation", 1],
      [attempt().waitUntil("Logical_Switch", uuid, { name: "other" }), "timed out", 1],
      [attempt().waitUntil("Logical_Switch", absent, { name: "s" }), "timed out", 1],
    ] as const;
    for (const [transaction, code, operationIndex] of refused)
      await assert.rejects(session.transact(transaction), { code, operationIndex, outcome: "not committed" });
    assert.deepEqual(await select(server.remote, database, "Logical_Router"), []);
  },
);

test("an operation on a missing row is an error, unless allowed", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = await connected({ remotes: [server.remote] });
  const absent = crypto.randomUUID();
  await assert.rejects(session.transact(begin().delete("Logical_Switch", absent)), {
    code: "no row",
    uuid: absent,
  });
  const members = begin().mutateSet("Address_Set", absent, "addresses", "insert", ["10.0.0.1"]);
  await assert.rejects(session.transact(members), { code: "no row", table: "Address_Set" });
  const allowed = begin().delete("Logical_Switch", absent, { allowMissing: true });
  assert.deepEqual(await session.transact(allowed), { operations: [{ count: 0 }] });
});

test("mutating a map overwrites the keys that are there", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = await connected({ remotes: [server.remote] });
  const uuid = crypto.randomUUID();
  const ids = (...entries: [string, string][]): Map<string, string> => new Map(entries);
  await session.transact(
    begin().insert(
      "Logical_Switch",
      { external_ids: ids(["kept", "1"], ["changed", "1"], ["gone", "1"]) },
      uuid,
    ),
  );
  await session.transact(
    begin().mutateMap("Logical_Switch", uuid, "external_ids", {
      insert: ids(["changed", "2"], ["new", "2"]),
      delete: ["gone"],
    }),
  );
  const [row] = await select(server.remote, database, "Logical_Switch");
  assert.deepEqual(row?.external_ids, ids(["changed", "2"], ["kept", "1"], ["new", "2"]));
});

test("a lost answer leaves the outcome open, and a client-chosen UUID settles it", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  let losing = false;
  await using relay = await startRelay(server.remote, { toClient: (chunk) => (losing ? undefined : chunk) });
  await using session = await connected({ remotes: [relay.remote] });
  const insert = begin().insert("Logical_Switch", { name: "once" }, crypto.randomUUID());
  losing = true;
  await assert.rejects(
    session.transact(insert),
    (error) => isOvsdbError(error, "connection lost") && error.outcomeUnknown && error.retryable,
  );
  await assert.rejects(
    session.transact(insert),
    (error) => isOvsdbError(error, "not connected") && !error.outcomeUnknown,
  );
  losing = false;
  await session.connected(AbortSignal.timeout(10_000));
  await assert.rejects(session.transact(insert), { code: "duplicate uuid" });
  assert.equal((await select(server.remote, database, "Logical_Switch")).length, 1);
});

test("a caller that gives up gets its error at once, with the outcome open", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = await connected({ remotes: [server.remote] });
  const controller = new AbortController();
  const pending = session.transact(begin().insert("Logical_Switch", {}), { signal: controller.signal });
  controller.abort();
  await assert.rejects(pending, (error) => isOvsdbError(error, "canceled") && error.outcomeUnknown);
  const late = session.transact(begin().insert("Logical_Switch", {}), { signal: controller.signal });
  await assert.rejects(late, { code: "canceled", outcome: "not committed" });
  await session.transact(begin().comment("the session goes on"));
});

test("a server that restarts is found again", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = await connected({ remotes: [server.remote] });
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await server.stop(signal);
    await server.start();
    await session.connected(AbortSignal.timeout(10_000));
    await session.transact(begin().insert("Logical_Switch", { name: signal }));
  }
  assert.equal((await select(server.remote, database, "Logical_Switch")).length, 2);
});

test("a remote where nobody listens is passed over", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = await connected({
    remotes: ["unix:/nonexistent/sock", "tcp:127.0.0.1:1", server.tcpRemote],
  });
  await session.transact(begin().insert("Logical_Switch", {}));
  assert.equal(session.state, "connected");
});

test("a peer that falls silent is found by a probe", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using relay = await startRelay(server.remote);
  await using session = await connected({ remotes: [relay.remote, server.remote], probeIntervalMs: 100 });
  relay.freeze();
  const lost = session.transact(begin().insert("Logical_Switch", {}));
  await assert.rejects(lost, (error) => isOvsdbError(error, "connection lost") && error.outcomeUnknown);
  await session.connected(AbortSignal.timeout(10_000));
  await session.transact(begin().insert("Logical_Switch", {}));
});

test("an idle session answers the server's probes and is not dropped", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  const socket = join(server.folder, "probing");
  await using direct = await connected({ remotes: [server.remote] });
  const connection = crypto.randomUUID();
  await direct.transact(
    begin()
      .insert("Connection", { target: `punix:${socket}`, inactivity_probe: 1000 }, connection)
      .insert("NB_Global", { connections: [connection] }),
  );
  const remote = `db:${database},NB_Global,connections`;
  await run("ovs-appctl", ["-t", join(server.folder, "ctl"), "ovsdb-server/add-remote", remote]);

  const { promise: twice, resolve } = Promise.withResolvers<void>();
  let probes = 0;
  await using relay = await startRelay(`unix:${socket}`, {
    toClient: (chunk) => {
      if (chunk.includes('"method":"echo"') && ++probes === 2) resolve();
      return chunk;
    },
  });
  const log: string[] = [];
  await using session = await connected({ remotes: [relay.remote], log: (_, message) => log.push(message) });
  await twice;
  assert.equal(session.state, "connected");
  assert.equal(log.at(-1), "connected");
});

test("when the session is closed, everything that waits is told so", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  const controller = new AbortController();
  const session = new Session({ remotes: [server.remote], database });
  const replica = session.replica(northbound, { Logical_Switch: true });
  const waiting = [session.connected(), replica.ready()];
  controller.abort();
  session.start(controller.signal);
  for (const wait of waiting) await assert.rejects(wait, { code: "closed" });
  await assert.rejects(session.transact(begin()), { code: "closed", retryable: false });
  assert.equal(session.state, "closed");
});
