// Sessions with a hostile server: whatever it says, a request ends with an answer or an OvsdbError, nothing crashes,
// memory does not grow, and once an honest server takes its place the sessions are as good as new.

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
const mebibyte = 1024 ** 2;
const seed = runSeed();

test(`${messages} mutated messages do no harm (WEFT_SEED=${seed})`, { timeout: 200_000 }, async () => {
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
  let rssPeak = rssBefore;
  const over = new AbortController();
  const told = new Map<string, number>();
  const count = (what: string): unknown => told.set(what, (told.get(what) ?? 0) + 1);

  const work = sessions.map(async ({ session, replica }) => {
    replica.subscribe((changes) => {
      for (const { table, uuid, new: row } of changes) assert.equal(replica.table(table).get(uuid), row);
    });
    session.start();
    while (!over.signal.aborted) {
      await session.connected(over.signal).catch(() => assert(over.signal.aborted));
      let turned: boolean = over.signal.aborted;
      setImmediate(() => {
        turned = true;
      });
      try {
        await session.transact(transaction());
        count("answered");
      } catch (error) {
        assert(isOvsdbError(error), `not an OvsdbError: ${String(error)}`);
        // A caller that waits for `connected()` and tries again would never release the event loop.
        const spins = !turned && error.retryable && session.state === "connected";
        assert(!spins, `refused at once, while connected, and yet worth another try: ${error.message}`);
        count(error.code);
        if (!error.retryable) await turn();
      }
    }
  });
  while (server.sent < messages) {
    await sleep(20);
    rssPeak = Math.max(rssPeak, process.memoryUsage.rss());
  }
  over.abort();
  server.repent();
  await Promise.all(work);

  console.log(`${server.sent} mutated messages over ${server.connections} connections:`, told);
  for (const what of ["answered", "connection lost", "protocol error"])
    assert(told.has(what), `nothing was ${what}: the server was not believed, or not hostile`);
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
  const heapGrown = ((await settledHeap()) - heapBefore) / mebibyte;
  assert(heapGrown < 32, `the heap has grown by ${heapGrown} MiB`);
  const rssGrown = (rssPeak - rssBefore) / mebibyte;
  assert(rssGrown < 512, `memory had grown by ${rssGrown} MiB`);
  console.log(
    `heap grown by ${heapGrown.toFixed(1)} MiB, resident set by ${rssGrown.toFixed(0)} MiB at most`,
  );
  for (const { session } of sessions) await session[Symbol.asyncDispose]();
});

const transaction = (): Transaction =>
  new Transaction(northbound)
    .insert("Address_Set", { name: "a" }, crypto.randomUUID())
    .update("Address_Set", crypto.randomUUID(), { name: "b" });

/** Bytes in use after garbage collection. */
async function settledHeap(): Promise<number> {
  setFlagsFromString("--expose-gc");
  for (let round = 0; round < 3; round++) {
    runInNewContext("gc()");
    await sleep(10);
  }
  return process.memoryUsage().heapUsed;
}
