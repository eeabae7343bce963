// A RAFT cluster of three real servers under load, while its members are killed, stopped, hidden from the clients, and
// cut off from them or from their peers, the leader as often as the followers. In the end the database is what the
// clients were told. There are two kinds of writers: one proves its work by UUIDs of its own, the other by a marker.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { isOvsdbError, type Row, Session, Transaction } from "../../src/ovsdb/index.ts";
import { type OvsdbCluster, startOvsdbCluster } from "../real/ovsdbCluster.ts";
import { northboundSchema, type OvsdbServer, select } from "../real/ovsdbServer.ts";
import { runSeed, type SeededRandom, seededRandom } from "../real/random.ts";
import { type Relay, startRelay } from "../real/relay.ts";
import { until } from "../real/until.ts";
import { startChain } from "./ovsdbChain.ts";

const database = "OVN_Northbound";
const transactionCount = Number(process.env.WEFT_CHAOS ?? 10_000);
/** How many of these are transactions of chains. */
const chainedCount = Math.floor(transactionCount / 4);
const writersPerSession = 4;
const seed = runSeed();

interface Victim {
  readonly cluster: OvsdbCluster;
  readonly index: number;
  readonly member: OvsdbServer;
  /** The relay between the member and the clients. */
  readonly relay: Relay;
}

/** What is done to a member. Resolves when the member is healthy again. */
type Fault = (victim: Victim, holdMs: number) => Promise<void>;

const faults: readonly Fault[] = [
  async function killed({ member }, holdMs) {
    await member.stop("SIGKILL");
    await sleep(holdMs);
    await member.start();
  },
  async function stopped({ member }, holdMs) {
    process.kill(member.pid, "SIGSTOP");
    await sleep(holdMs);
    process.kill(member.pid, "SIGCONT");
  },
  async function hidden({ relay }, holdMs) {
    relay.freeze();
    await sleep(holdMs);
    // What clients sent meanwhile and gave up on arrives now, after what they did instead.
    relay.thaw();
  },
  async function isolated({ cluster, index }, holdMs) {
    // It continues to serve its clients and, if it leads, does not know at once that it no longer does.
    cluster.isolate(index);
    await sleep(holdMs);
    cluster.rejoin(index);
  },
  async function cut({ relay }) {
    relay.cut();
  },
];

const roles = ["leader", "follower"] as const;

test(`${transactionCount} transactions survive whatever happens to a cluster, once each (WEFT_SEED=${seed})`, {
  timeout: 280_000,
}, async () => {
  await using cluster = await startOvsdbCluster(northboundSchema, database);
  await using stack = new AsyncDisposableStack();
  const relays: Relay[] = [];
  for (const member of cluster.members) relays.push(stack.use(await startRelay(member.remote)));
  const [onLeader, onAny] = [true, false].map((leaderOnly) => {
    const session = stack.use(
      new Session({
        remotes: relays.map(({ remote }) => remote),
        database,
        leaderOnly,
        minBackoffMs: 20,
        maxBackoffMs: 200,
        probeIntervalMs: 200,
        connectTimeoutMs: 500,
      }),
    );
    session.start();
    return session;
  });
  assert(onLeader && onAny);
  const replica = onAny.replica(northbound, { Address_Set: true, Logical_Switch: true });
  await replica.ready(AbortSignal.timeout(20_000));

  const root = crypto.randomUUID();
  const begin: Transaction<NorthboundTables> = new Transaction(northbound);
  await onAny.transact(begin.insert("NB_Global", {}, root));

  const names = Array.from({ length: transactionCount - chainedCount }, (_, index) => `row-${index}`);
  const waiting = [...names];
  const done = { committed: 0, found: 0, counted: 0, recovered: 0 };
  const sum = (): number => done.committed + done.found + done.counted + done.recovered;
  const writers = [onLeader, onAny].flatMap((session) =>
    Array.from({ length: writersPerSession }, async () => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop())
        done[await commitOnce(session, name)]++;
    }),
  );
  const random = seededRandom(seed + 1);
  const chains = [onLeader, onAny, onLeader, onAny].map((session, index) =>
    startChain({ session, root, name: `chain-${index}`, random }),
  );
  let unchained = chainedCount;
  const counters = chains.map(async (chain) => {
    while (unchained-- > 0) done[(await chain.next()) ? "recovered" : "counted"]++;
  });
  await Promise.all([...writers, ...counters, disturb(cluster, relays, sum)]);

  console.log(`${sum()} transactions:`, done);
  assert.equal(sum(), transactionCount);
  assert(
    done.found + done.recovered > 0,
    "no answer to what was committed was lost: too little befell the cluster",
  );
  const expected = names.toSorted();
  const leader = cluster.members[await cluster.leader()];
  assert.deepEqual(
    namesOf(await select(leader?.remote ?? "", database, "Logical_Router")),
    chains.flatMap(({ routers }) => routers).sort(),
  );
  const [global] = await select(leader?.remote ?? "", database, "NB_Global");
  assert.equal(
    global?.nb_cfg,
    chains.reduce((count, { counted }) => count + counted, 0),
  );
  for (const table of ["Address_Set", "Logical_Switch"] as const) {
    assert.deepEqual(namesOf(await select(leader?.remote ?? "", database, table)), expected);
    await until(
      `all rows of ${table} are there`,
      () => replica.synced && replica.table(table).size >= expected.length,
    );
    assert.deepEqual(namesOf(replica.table(table).values()), expected);
  }
});

const namesOf = (rows: Iterable<Row>): string[] =>
  [...rows].flatMap(({ name }) => (typeof name === "string" ? [name] : [])).sort();

/**
 * Two rows in one transaction. The first has a UUID of its own, so the transaction is committed once, however often it
 * is sent. The second has neither a UUID nor a unique column: if the transaction were committed twice, there would be
 * two of it.
 */
async function commitOnce(session: Session, name: string): Promise<"committed" | "found"> {
  const twins: Transaction<NorthboundTables> = new Transaction(northbound)
    .insert("Address_Set", { name }, crypto.randomUUID())
    .insert("Logical_Switch", { name });
  for (;;) {
    await session.connected();
    try {
      await session.transact(twins);
      return "committed";
    } catch (error) {
      if (isOvsdbError(error, "duplicate uuid")) return "found";
      if (!isOvsdbError(error) || !error.retryable) throw error;
    }
  }
}

/**
 * Every fault for the leader and for a follower, spread over the transactions, one at a time, so a majority is always
 * healthy.
 */
async function disturb(cluster: OvsdbCluster, relays: readonly Relay[], done: () => number): Promise<void> {
  const random = seededRandom(seed);
  const once = faults.flatMap((fault) => roles.map((role) => ({ fault, role })));
  const rounds = Math.max(1, Math.round(transactionCount / 5000));
  const plan = Array.from({ length: rounds }, () => random.shuffled(once)).flat();
  for (const [index, { fault, role }] of plan.entries()) {
    while (done() < (index * transactionCount) / plan.length) await sleep(10);
    const victim = await choose(cluster, role, random);
    const [member, relay] = [cluster.members[victim], relays[victim]];
    assert(member && relay);
    // Some last longer than an election takes (1 to 2 s), some shorter.
    await fault({ cluster, index: victim, member, relay }, random.pick([50, 500, 2500]));
    await cluster.settled(victim);
  }
}

async function choose(
  cluster: OvsdbCluster,
  role: (typeof roles)[number],
  random: SeededRandom,
): Promise<number> {
  const leader = await cluster.leader();
  return role === "leader" ? leader : (leader + 1 + random.below(cluster.members.length - 1)) % 3;
}
