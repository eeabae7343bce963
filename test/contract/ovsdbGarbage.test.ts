// Sessions that talk to a hostile server: whatever it says, a request ends with an answer or an OvsdbError, nothing
// crashes, memory stays, and when an honest server takes its place the sessions are as good as new.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, Session, Transaction } from "../../src/ovsdb/index.ts";
import { startHostileServer } from "../real/hostileServer.ts";
import { runSeed, seededRandom } from "../real/random.ts";

const messages = 100_000;
const sessionCount = 16;
const limitMs = 20_000;
const seed = runSeed();

test(`${messages} mutated messages, or what ${limitMs / 1000} s suffice for, do no harm (WEFT_SEED=${seed})`, {
  timeout: 60_000,
}, async () => {
  await using server = await startHostileServer(seededRandom(seed));
  const sessions = Array.from({ length: sessionCount }, () => {
    const session = new Session({
      remotes: [server.remote],
      database: "OVN_Northbound",
      minBackoffMs: 1,
      maxBackoffMs: 1,
      connectTimeoutMs: 50,
      probeIntervalMs: 100,
    });
    return { session, replica: session.replica(northbound, { Address_Set: true, NB_Global: true }) };
  });
  const heapBefore = await settledHeap();
  const rssBefore = process.memoryUsage.rss();
  const over = new AbortController();
  let [answered, refused, disconnected] = [0, 0, 0];

  const work = sessions.map(async ({ session, replica }) => {
    replica.subscribe((changes) => {
      for (const { table, uuid, new: row } of changes) assert.equal(replica.table(table).get(uuid), row);
    });
    session.start();
    while (!over.signal.aborted) {
      // Not `connected()`: a server may take its time to be believed, and the test its time to end.
      if (session.state !== "connected") {
        disconnected++;
        await sleep(1);
        continue;
      }
      try {
        await session.transact(transaction());
        answered++;
      } catch (error) {
        assert(isOvsdbError(error), `not an OvsdbError: ${String(error)}`);
        refused++;
      }
      // What does not fit the server's schema is refused at once, and a loop of that alone lets nobody else have a turn.
      await turn();
    }
  });
  const started = performance.now();
  while (server.sent < messages && performance.now() - started < limitMs) await sleep(20);
  over.abort();
  const rssGrown = process.memoryUsage.rss() - rssBefore;
  server.repent();
  await Promise.all(work);

  console.log(`${server.sent} mutated messages: ${answered} transactions answered, ${refused} refused`);
  assert(server.sent > messages / 20, `only ${server.sent} messages`);
  assert(answered > 0 && refused > 0 && disconnected > 0, "the server was not believed, or not hostile");
  for (const { session, replica } of sessions) {
    await Promise.all([session.connected(), replica.ready()]);
    assert.deepEqual(
      [...replica.table("Address_Set").values()].map(({ name }) => name),
      ["honest"],
    );
    assert.deepEqual([...replica.table("NB_Global").values()], []);
    await session.transact(transaction());
  }
  assert.equal(Reflect.get({}, "polluted"), undefined);
  const heapGrown = (await settledHeap()) - heapBefore;
  assert(heapGrown < 32 * 1024 ** 2, `the heap has grown by ${heapGrown} bytes`);
  assert(rssGrown < 512 * 1024 ** 2, `memory has grown by ${rssGrown} bytes`);
  for (const { session } of sessions) await session[Symbol.asyncDispose]();
});

const transaction = (): Transaction =>
  new Transaction(northbound)
    .insert("Address_Set", { name: "a" }, crypto.randomUUID())
    .update("Address_Set", crypto.randomUUID(), { name: "b" });

/** Bytes in use after the garbage is collected. */
async function settledHeap(): Promise<number> {
  setFlagsFromString("--expose-gc");
  for (let round = 0; round < 3; round++) {
    runInNewContext("gc()");
    await sleep(10);
  }
  return process.memoryUsage().heapUsed;
}
