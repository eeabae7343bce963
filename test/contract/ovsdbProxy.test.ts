// The session on a network that delays, trickles byte by byte, cuts messages in two, goes dead and comes back: every
// transaction of a random load is committed once, and in the end the replica equals the database.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, type Row, Session, Transaction } from "../../src/ovsdb/index.ts";
import { northboundSchema, select, startOvsdbServer } from "../real/ovsdbServer.ts";
import { runSeed, seededRandom } from "../real/random.ts";
import { type Relay, startRelay, type Weather } from "../real/relay.ts";
import { until } from "../real/until.ts";

const database = "OVN_Northbound";
const oldRows = 600;
const newRows = 1200;
const writerCount = 6;
const seed = runSeed();
const random = seededRandom(seed);

const begin = (): Transaction<NorthboundTables> => new Transaction(northbound);

/** Mostly fair weather. A large chunk, such as a copy, is cut into larger pieces, or the test would be about nothing else. */
function weather(bytes: number): Weather {
  const chance = random.next();
  if (chance < 0.02) return { cutAfterBytes: random.below(bytes) };
  if (chance < 0.12) return { delayMs: random.below(30) };
  if (chance < 0.22) return { pieceBytes: bytes < 500 ? 1 : 1 + random.below(2000) };
  return {};
}

test(`a bad network loses and doubles nothing (WEFT_SEED=${seed})`, { timeout: 120_000 }, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using direct = new Session({ remotes: [server.remote], database });
  direct.start();
  await direct.connected();
  const old = Array.from({ length: oldRows }, (_, index) => ({
    uuid: crypto.randomUUID(),
    name: `old-${index}`,
  }));
  const rows = begin();
  for (const { uuid, name } of old) rows.insert("Address_Set", { name, addresses: ["10.0.0.1"] }, uuid);
  await direct.transact(rows);

  let fair = false;
  await using relay = await startRelay(server.remote, { weather: (bytes) => (fair ? {} : weather(bytes)) });
  await using session = new Session({
    remotes: [relay.remote],
    database,
    minBackoffMs: 10,
    maxBackoffMs: 50,
    probeIntervalMs: 300,
    connectTimeoutMs: 1500,
  });
  session.start();
  const replica = session.replica(northbound, { Address_Set: true, Logical_Switch: true });

  /** name -> addresses, for everything that should be in Address_Set in the end */
  const model = new Map<string, readonly string[]>();
  const load = random.shuffled([
    ...Array.from({ length: newRows }, (_, index) => {
      const name = `new-${index}`;
      model.set(name, ["10.0.0.2"]);
      // If the transaction were committed twice, there would be two of the second row.
      return begin()
        .insert("Address_Set", { name, addresses: ["10.0.0.2"] }, crypto.randomUUID())
        .insert("Logical_Switch", { name });
    }),
    // Each row is touched once, so sending it again makes no difference, even when an early copy arrives late.
    ...old.map(({ uuid, name }, index) => {
      if (index % 3 === 0) return begin().delete("Address_Set", uuid, { allowMissing: true });
      model.set(name, index % 3 === 1 ? ["10.0.0.1", "10.0.0.3"] : ["10.0.0.4"]);
      return index % 3 === 1
        ? begin().mutateSet("Address_Set", uuid, "addresses", "insert", ["10.0.0.3"])
        : begin().update("Address_Set", uuid, { addresses: ["10.0.0.4"] });
    }),
  ]);
  let lost = 0;
  const waiting = [...load];
  const write = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop()) lost += await commit(session, next);
  };
  await Promise.all([
    ...Array.from({ length: writerCount }, write),
    goDead(relay, () => 1 - waiting.length / load.length),
  ]);
  assert(lost > 0, "the network was not bad enough to lose an answer");

  fair = true;
  const inserted = [...model.keys()].filter((name) => name.startsWith("new"));
  const sets = await select(server.remote, database, "Address_Set");
  assert.deepEqual(new Map(sets.map(({ name, addresses }) => [name, addresses])), model);
  assert.equal(sets.length, model.size);
  const switches = await select(server.remote, database, "Logical_Switch");
  assert.deepEqual(new Set(switches.map(({ name }) => name)), new Set(inserted));
  assert.equal(switches.length, inserted.length);

  await commit(session, begin().insert("Address_Set", { name: "marker" }, crypto.randomUUID()));
  const copied = replica.table("Address_Set");
  await until("the last row is there", () => [...copied.values()].some(({ name }) => name === "marker"));
  assert.deepEqual(byUuid(copied.values()), byUuid(await select(server.remote, database, "Address_Set")));
  assert.deepEqual(byUuid(replica.table("Logical_Switch").values()), byUuid(switches));
});

const byUuid = (rows: Iterable<Row>): Row[] => [...rows].sort((a, b) => (a._uuid < b._uuid ? -1 : 1));

/** Sends `transaction` until it is known to be committed. Returns how many answers were lost on the way. */
async function commit(session: Session, transaction: Transaction<NorthboundTables>): Promise<number> {
  for (let lost = 0; ; ) {
    await session.connected();
    try {
      await session.transact(transaction);
      return lost;
    } catch (error) {
      if (isOvsdbError(error, "duplicate uuid") && lost > 0) return lost;
      if (!isOvsdbError(error) || !error.retryable) throw error;
      if (error.outcomeUnknown) lost++;
    }
  }
}

/** Six times during the load nothing passes, for shorter and for longer than the session's patience. */
async function goDead(relay: Relay, progress: () => number): Promise<void> {
  for (const [index, ms] of random.shuffled([100, 300, 500, 800, 1200, 2000]).entries()) {
    while (progress() < index / 6) await sleep(10);
    relay.freeze();
    await sleep(ms);
    relay.thaw();
  }
}
