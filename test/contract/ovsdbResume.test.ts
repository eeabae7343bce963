// The cost of a replica after a lost connection, in bytes: servers with a history send what has changed meanwhile and
// repeat no row. A standalone server has no history, and the copy is made again without listeners noticing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { type Change, Session, Transaction } from "../../src/ovsdb/index.ts";
import { startOvsdbCluster } from "../real/ovsdbCluster.ts";
import { northboundSchema, startOvsdbServer, startRelayServer } from "../real/ovsdbServer.ts";
import { type Relay, startRelay } from "../real/relay.ts";
import { until } from "../real/until.ts";

const database = "OVN_Northbound";
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const begin = (): Transaction<NorthboundTables> => new Transaction(northbound);

interface Service {
  /** The remote that rows are written to. */
  readonly source: string;
  /** The remotes that the replica reads from, in turn. */
  readonly readers: readonly string[];
}

/** Starts a service. `stack` stops it. */
type Start = (stack: AsyncDisposableStack) => Promise<Service>;

const oneServer: Start = async (stack) => {
  const { remote } = stack.use(await startOvsdbServer(northboundSchema));
  return { source: remote, readers: [remote] };
};

const cluster: Start = async (stack) => {
  const { remotes } = stack.use(await startOvsdbCluster(northboundSchema, database));
  const [source = "", ...readers] = remotes;
  return { source, readers };
};

const relayOf =
  (start: Start): Start =>
  async (stack) => {
    const { source, readers } = await start(stack);
    const { remote } = stack.use(await startRelayServer(database, readers));
    return { source, readers: [remote] };
  };

/** Two services that name transactions in the same way: one continues where the other stopped. */
const clusterAndRelay: Start = async (stack) => {
  const { source, readers } = await cluster(stack);
  const { remote } = stack.use(await startRelayServer(database, readers));
  return { source, readers: [remote, source] };
};

const services: readonly (readonly [name: string, start: Start, history: boolean])[] = [
  ["another member of a cluster", cluster, true],
  ["a relay of a cluster", relayOf(cluster), true],
  ["a relay of a relay of a cluster", relayOf(relayOf(cluster)), true],
  ["a member, and then the relay of its cluster,", clusterAndRelay, true],
  ["a standalone server", oneServer, false],
  ["a relay of a standalone server", relayOf(oneServer), false],
];

for (const [name, start, history] of services)
  test(`after a cut ${name} sends ${history ? "no row again" : "all rows, and what is equal is not told"}`, {
    timeout: 60_000,
  }, async () => {
    await using stack = new AsyncDisposableStack();
    const service = await start(stack);
    await using writer = new Session({ remotes: [service.source], database });
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

    /** Names of rows that were sent over the wire. */
    const sent = new Set<string>();
    const toClient = (chunk: Buffer): Buffer => {
      for (const [uuid] of chunk.toString("latin1").matchAll(/(?<="name":")[0-9a-f-]{36}(?=")/g))
        sent.add(uuid);
      return chunk;
    };
    const relays: Relay[] = [];
    for (const remote of service.readers) relays.push(stack.use(await startRelay(remote, { toClient })));
    const bytes = (): number => relays.reduce((sum, { bytesToClient }) => sum + bytesToClient, 0);
    await using reader = new Session({
      remotes: relays.map(({ remote }) => remote),
      database,
      minBackoffMs: 20,
    });
    const replica = reader.replica(northbound, { Address_Set: true });
    reader.start();
    const table = replica.table("Address_Set");
    await until("all rows are there", () => table.size === uuids.length);
    // A name split over two chunks is not seen.
    assert(sent.size > uuids.length * 0.98);
    const firstCopy = bytes();
    const told: Change<NorthboundTables>[] = [];
    replica.subscribe((changes) => told.push(...changes));

    for (let round = 0; round < 2; round++) {
      sent.clear();
      const before = bytes();
      for (const relay of relays) relay.cut();
      const [changed = "", gone = ""] = uuids.slice(2 * round);
      await writer.transact(
        begin()
          .delete("Address_Set", gone)
          .mutateSet("Address_Set", changed, "addresses", "insert", ["10.0.0.3"]),
      );
      await until("the row is gone", () => !table.get(gone));
      assert.deepEqual(table.get(changed)?.addresses, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
      assert.equal(table.size, uuids.length - 1 - round);
      assert.deepEqual(new Set(told.splice(0).map(({ uuid }) => uuid)), new Set([changed, gone]));
      const again = bytes() - before;
      if (history) {
        assert.equal(sent.size, 0, `${sent.size} rows came again`);
        // The schema is read again, the rows are not.
        assert(again < firstCopy / 4, `${again} bytes after the cut, ${firstCopy} at first`);
      } else {
        assert(sent.size > uuids.length * 0.98);
        assert(again > firstCopy / 2, `${again} bytes after the cut, ${firstCopy} at first`);
      }
    }
  });
