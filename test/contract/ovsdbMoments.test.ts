// Moments that occur on real servers but that no test can hit: a scripted server holds an answer back, or says
// something between two others, and the session must cope.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, Session, Transaction } from "../../src/ovsdb/index.ts";
import { type Asked, startScriptedServer } from "../real/scriptedServer.ts";

const timeout = { timeout: 20_000 };
const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const begin = (): Transaction<NorthboundTables> => new Transaction(northbound);
const converted = { id: null, method: "monitor_canceled", params: ["conversion"] };

function open(remote: string): Session {
  const session = new Session({
    remotes: [remote],
    database: "OVN_Northbound",
    minBackoffMs: 5,
    maxBackoffMs: 5,
  });
  session.start();
  return session;
}

const asksSchema = ({ method, params }: Asked, database: string): boolean =>
  method === "get_schema" && params[0] === database;

const schemaReply = ({ id }: Asked, version: string, ...tables: readonly string[]): object => ({
  id,
  error: null,
  result: {
    name: "OVN_Northbound",
    version,
    tables: Object.fromEntries(tables.map((name) => [name, { columns: { name: { type: "string" } } }])),
  },
});

test(
  "a database that is converted during the handshake is known as it is afterwards, and copied once",
  timeout,
  async () => {
    let held: Asked | undefined;
    let reads = 0;
    await using server = await startScriptedServer((request, { say, answer }) => {
      if (asksSchema(request, "_Server")) held = request;
      else if (asksSchema(request, "OVN_Northbound")) {
        say(schemaReply(request, `${++reads}.0.0`, "Address_Set"));
        // The rest of the handshake is answered only after the session has asked a second time.
        if (reads === 1) say(converted);
        else if (held) answer(held);
      } else answer(request);
    });
    const log: string[] = [];
    await using session = new Session({
      remotes: [server.remote],
      database: "OVN_Northbound",
      log: (_level, message) => log.push(message),
    });
    const replica = session.replica(northbound, { Address_Set: { columns: ["name"] } });
    session.start();
    await replica.ready(soon());
    assert.equal(session.serverSchema?.version, "2.0.0");
    assert.deepEqual(log, ["connected"]);
    assert.equal(server.asked.filter(({ method }) => method === "monitor_cond_since").length, 2);
  },
);

test("a transaction that waits for a conversion can be given up, and was not sent", timeout, async () => {
  await using server = await startScriptedServer((request, { say, answer }) => {
    // After the conversion it no longer reports its schema.
    if (!asksSchema(request, "OVN_Northbound") || server.asked.filter(sameAs(request)).length === 1)
      answer(request);
    if (request.method === "list_dbs") say(converted);
  });
  await using session = open(server.remote);
  await session.connected(soon());
  await session.databases().catch(() => {});
  const reason = new Error("no patience");
  const controller = new AbortController();
  const waiting = session.transact(begin().insert("Address_Set", { name: "a" }), {
    signal: controller.signal,
  });
  await turn();
  controller.abort(reason);
  await assert.rejects(waiting, { code: "canceled", outcome: "not committed", cause: reason });
  assert(!server.asked.some(({ method }) => method === "transact"));
});

const sameAs =
  (request: Asked) =>
  ({ method, params }: Asked): boolean =>
    method === request.method && params[0] === request.params[0];

test("what is refused while connected, unsent, is never said to be worth another try", timeout, async () => {
  // Otherwise a loop of `connected()` and `transact` would never release the event loop.
  await using server = await startScriptedServer((request, { say, answer }) => {
    if (asksSchema(request, "OVN_Northbound")) say(schemaReply(request, "1.0.0", "Address_Set"));
    else answer(request);
  });
  await using session = open(server.remote);
  await session.connected(soon());
  const given = AbortSignal.abort();
  const refused = [
    [begin().insert("NB_Global", {}), "unknown table"],
    [begin().waitUntil("Address_Set", crypto.randomUUID(), { addresses: [] }), "unknown column"],
    [begin().insert("Address_Set", { name: "NUL \0" }), "invalid value"],
    [begin().delete("Address_Set", "no-uuid"), "invalid value"],
  ] as const;
  for (const [transaction, code] of refused)
    await assert.rejects(session.transact(transaction), { code, retryable: false, outcome: "not committed" });
  await assert.rejects(session.transact(begin(), { signal: given }), { code: "canceled" });
  assert.equal(session.state, "connected");
  assert(!server.asked.some(({ method }) => method === "transact"));
});

test("when the connection goes, nobody is told that it is there", timeout, async () => {
  await using server = await startScriptedServer((request, { answer, hangUp }) => {
    if (request.method === "transact") hangUp();
    else answer(request);
  });
  await using session = open(server.remote);
  for (let round = 0; round < 50; round++) {
    await session.connected(soon());
    const insert = begin().insert("Address_Set", { name: "a" }, crypto.randomUUID());
    await assert.rejects(session.transact(insert), (error) => isOvsdbError(error) && error.outcomeUnknown);
    // In the very moment when the loss is reported.
    assert.notEqual(session.state, "connected");
    await assert.rejects(session.transact(insert), { code: "not connected" });
  }
});

test("a lock may have any name, and its listener may throw", timeout, async () => {
  await using server = await startScriptedServer((request, { say, answer }) => {
    if (request.method !== "lock") return answer(request);
    say({ id: request.id, error: null, result: { locked: false } });
    say({ id: null, method: "locked", params: [request.params[0]] });
  });
  const log: string[] = [];
  await using session = new Session({
    remotes: [server.remote],
    database: "OVN_Northbound",
    log: (level, message) => log.push(`${level}: ${message}`),
  });
  session.start();
  await session.connected(soon());
  const lock = session.lock("_Server", { changed: () => assert.fail("broken") });
  await lock.acquired(soon());
  assert.equal(session.state, "connected");
  assert.deepEqual(log.slice(1), ["error: a listener of lock _Server failed"]);
});
