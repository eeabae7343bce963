// The replica on a real ovsdb-server: whatever anybody does to the database, the replica and the stream of changes end
// up equal to it.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import {
  type AnyChange,
  type AnyReplica,
  type Change,
  type Database,
  isOvsdbError,
  type Row,
  Session,
  Transaction,
} from "../../src/ovsdb/index.ts";
import { northboundSchema, select, startOvsdbServer } from "../real/ovsdbServer.ts";
import { startRelay } from "../real/relay.ts";

const timeout = { timeout: 60_000 };
const database = "OVN_Northbound";
const soon = (): AbortSignal => AbortSignal.timeout(20_000);

function open(...remotes: string[]): Session {
  const session = new Session({ remotes, database, minBackoffMs: 20 });
  session.start();
  return session;
}

const begin = (): Transaction<NorthboundTables> => new Transaction(northbound);
const byUuid = (rows: Iterable<Row>): Row[] => [...rows].sort((a, b) => (a._uuid < b._uuid ? -1 : 1));

/** Resolves when `done` holds, checking after each update. */
async function until(replica: AnyReplica, done: () => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const unsubscribe = replica.subscribe(() => done() && resolve());
  soon().addEventListener("abort", () => reject(new Error("the replica does not get there")));
  if (done()) resolve();
  await promise;
  unsubscribe();
}

/** A copy of some tables made only from a replica's changes. Each change is checked against the earlier ones. */
function followed(replica: AnyReplica): Map<string, Row> {
  const rows = new Map<string, Row>();
  replica.subscribe((changes: readonly AnyChange[]) => {
    for (const { table, uuid, old, new: row } of changes) {
      assert.equal(rows.get(uuid), old);
      assert.equal(replica.table(table).get(uuid), row);
      if (row) rows.set(uuid, row);
      else rows.delete(uuid);
    }
  });
  return rows;
}

const number = fc.nat(5);
const step = fc.record({
  kind: fc.constantFrom("insert", "update", "delete", "members", "entries"),
  row: number,
  members: fc.uniqueArray(number, { maxLength: 4 }),
  how: fc.constantFrom("insert" as const, "delete" as const),
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const rowUuid = (row: number): string => `00000000-0000-4000-8000-00000000000${row}`;

/** One operation on an address set or, for the even rows, on a load balancer, whose `vips` is a map. */
function add(transaction: Transaction<NorthboundTables>, { kind, row, members, how }: Step): void {
  const uuid = rowUuid(row);
  const texts = members.map(String);
  const entries = new Map(texts.map((text) => [text, `${row}${how}`]));
  const allowMissing = { allowMissing: true };
  if (row % 2 === 0) {
    if (kind === "insert") transaction.insert("Load_Balancer", { name: `lb${row}`, vips: entries }, uuid);
    else if (kind === "delete") transaction.delete("Load_Balancer", uuid, allowMissing);
    else if (kind === "update")
      transaction.update(
        "Load_Balancer",
        uuid,
        { vips: entries, protocol: how === "insert" ? "udp" : undefined },
        allowMissing,
      );
    else if (how === "insert")
      transaction.mutateMap("Load_Balancer", uuid, "vips", { insert: entries }, allowMissing);
    else transaction.mutateMap("Load_Balancer", uuid, "vips", { delete: texts }, allowMissing);
  } else if (kind === "insert")
    transaction.insert("Address_Set", { name: `as${row}`, addresses: texts }, uuid);
  else if (kind === "delete") transaction.delete("Address_Set", uuid, allowMissing);
  else if (kind === "update") transaction.update("Address_Set", uuid, { addresses: texts }, allowMissing);
  else transaction.mutateSet("Address_Set", uuid, "addresses", how, texts, allowMissing);
}

/** Steps in transactions, and what happens after each: the connection is cut (0), its end is awaited, or neither. */
const transactions = fc.array(fc.tuple(fc.array(step, { maxLength: 4 }), fc.nat(9)), { maxLength: 12 });

for (const method of ["monitor_cond_since", "monitor_cond", "monitor"]) {
  test(`after any transactions and cuts a replica by ${method} equals the database`, timeout, async () => {
    await using server = await startOvsdbServer(northboundSchema);
    let asked = "";
    // A server that does not know the newer methods: the relay changes their names on the way.
    await using relay = await startRelay(server.remote, {
      toServer: (chunk) => {
        const text = chunk
          .toString()
          .replaceAll(/"(monitor_cond\w*)"/g, (name) => (name > `"${method}"` ? `"x"` : name));
        asked = /"method":"(monitor\w*)","params":\["OVN/.exec(text)?.[1] ?? asked;
        return Buffer.from(text);
      },
    });
    await using writer = open(server.remote);
    await using reader = open(relay.remote);
    const tables = { Address_Set: true, Load_Balancer: true } as const;
    const replica = reader.replica(northbound, tables, {
      indexes: { Load_Balancer: ["vips:1"], Address_Set: ["name"] },
    });
    const [sets, balancers] = [replica.table("Address_Set"), replica.table("Load_Balancer")];
    const rows = followed(replica);
    await Promise.all([writer.connected(soon()), replica.ready(soon())]);
    let markers = 0;

    const endsEqual = async (history: Iterable<readonly [readonly Step[], number]>): Promise<void> => {
      for (const [steps, after] of history) {
        const transaction = begin();
        for (const one of steps) add(transaction, one);
        // Many are refused (a UUID or a name twice) and must leave no trace.
        const answer = writer.transact(transaction).catch((error: unknown) => assert(isOvsdbError(error)));
        if (after === 0) relay.cut();
        else if (after < 5) await answer;
      }
      const marker = `marker${markers++}`;
      await writer.transact(begin().insert("Address_Set", { name: marker }));
      await until(replica, () => sets.by("name", marker).length > 0);
      const expected = byUuid([
        ...(await select(server.remote, database, "Address_Set")),
        ...(await select(server.remote, database, "Load_Balancer")),
      ]);
      assert.deepEqual(byUuid([...sets.values(), ...balancers.values()]), expected);
      assert.deepEqual(byUuid(rows.values()), expected);
      for (const value of ["0insert", "0delete", "2insert", "2delete"])
        assert.deepEqual(
          byUuid(balancers.by("vips:1", value)),
          expected.filter(({ vips }) => vips instanceof Map && vips.get("1") === value),
        );
    };
    await fc.assert(fc.asyncProperty(transactions, endsEqual), { numRuns: 30 });
    assert.equal(asked, method);
  });
}

test("20,000 rows are copied whole, and one change to them is one change", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = open(server.remote);
  await session.connected(soon());
  const count = 20_000;
  const uuids = Array.from({ length: count }, () => crypto.randomUUID());
  for (let from = 0; from < count; from += 2000) {
    const transaction = begin();
    for (const [index, uuid] of uuids.slice(from, from + 2000).entries())
      transaction.insert(
        "Logical_Switch_Port",
        { name: `port-${from + index}`, addresses: ["dynamic"], tag: 1 + (index % 4095) },
        uuid,
      );
    transaction.insert("Logical_Switch", { name: `switch-${from}`, ports: uuids.slice(from, from + 2000) });
    await session.transact(transaction);
  }
  const replica = session.replica(
    northbound,
    { Logical_Switch_Port: true, Logical_Switch: { columns: ["name"] } },
    { indexes: { Logical_Switch_Port: ["name"] } },
  );
  const batches: (readonly AnyChange[])[] = [];
  replica.subscribe((changes) => batches.push(changes));
  await replica.ready(soon());
  const ports = replica.table("Logical_Switch_Port");
  assert.equal(ports.size, count);
  assert.deepEqual(
    batches.map((changes) => changes.length),
    [count + count / 2000],
  );
  assert.deepEqual(
    byUuid(ports.values()),
    byUuid(await select(server.remote, database, "Logical_Switch_Port")),
  );
  const [port] = ports.by("name", "port-12345");
  assert.equal(port?._uuid, uuids[12_345]);
  await session.transact(begin().update("Logical_Switch_Port", uuids[12_345] ?? "", { name: "renamed" }));
  assert.equal(batches.length, 2);
  assert.deepEqual(
    batches[1]?.map(({ old, new: row }) => [old, row]),
    [[port, { ...port, name: "renamed" }]],
  );
  assert.deepEqual(ports.by("name", "port-12345"), []);
});

test(
  "after a restart only what really changed is told, and rows that did not are the same objects",
  timeout,
  async () => {
    await using server = await startOvsdbServer(northboundSchema);
    await using relay = await startRelay(server.remote);
    await using session = open(relay.remote);
    await using other = open(server.remote);
    const replica = session.replica(northbound, { Logical_Switch: true });
    const [kept, changed, gone] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
    await Promise.all([other.connected(soon()), replica.ready(soon())]);
    const fresh = begin();
    for (const uuid of [kept, changed, gone]) fresh.insert("Logical_Switch", { name: uuid }, uuid);
    await other.transact(fresh);
    await until(replica, () => replica.table("Logical_Switch").size === 3);
    const before = replica.table("Logical_Switch").get(kept);
    const told: Change<NorthboundTables>[] = [];
    replica.subscribe((changes) => told.push(...changes));

    relay.cut();
    await other.transact(
      begin().delete("Logical_Switch", gone).update("Logical_Switch", changed, { name: "new" }),
    );
    await server.stop();
    await server.start();
    await until(replica, () => told.length > 0);
    assert.deepEqual(
      new Map(told.map(({ uuid, new: row }) => [uuid, row])),
      new Map([
        [changed, replica.table("Logical_Switch").get(changed)],
        [gone, undefined],
      ]),
    );
    assert.equal(told.length, 2);
    assert.equal(replica.table("Logical_Switch").get(kept), before);
  },
);

test("a selection copies only its columns and the rows that meet a condition", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = open(server.remote);
  const replica = session.replica(northbound, {
    Logical_Switch: {
      columns: ["name"],
      where: [
        ["name", "==", "mine"],
        ["external_ids", "includes", new Map([["owner", "me"]])],
      ],
    },
  });
  await replica.ready(soon());
  const owned = crypto.randomUUID();
  await session.transact(
    begin()
      .insert("Logical_Switch", { name: "mine" })
      .insert("Logical_Switch", { name: "owned", external_ids: new Map([["owner", "me"]]) }, owned)
      .insert("Logical_Switch", { name: "other" }),
  );
  const names = (): unknown[] => [...replica.table("Logical_Switch").values()].map(({ name }) => name).sort();
  assert.deepEqual(names(), ["mine", "owned"]);
  assert.deepEqual(replica.table("Logical_Switch").get(owned), { _uuid: owned, name: "owned" });
  await session.transact(begin().mutateMap("Logical_Switch", owned, "external_ids", { delete: ["owner"] }));
  assert.deepEqual(names(), ["mine"]);
});

test("the changes can be read as an async iterable", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = open(server.remote);
  const replica = session.replica(northbound, { Address_Set: true });
  await replica.ready(soon());
  const controller = new AbortController();
  const stream = replica.changes(controller.signal);
  await session.transact(begin().insert("Address_Set", { name: "first" }));
  await session.transact(begin().insert("Address_Set", { name: "second" }));
  const names: unknown[] = [];
  for await (const changes of stream) {
    for (const change of changes) if (change.table === "Address_Set") names.push(change.new?.name);
    if (names.length === 2) controller.abort();
  }
  assert.deepEqual(names, ["first", "second"]);
});

test("a replica that is disposed stops, and the session goes on", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = open(server.remote);
  const replica = session.replica(northbound, { Address_Set: true });
  await replica.ready(soon());
  replica[Symbol.dispose]();
  await session.transact(begin().insert("Address_Set", { name: "unseen" }));
  assert.equal(replica.synced, false);
  assert.equal(replica.table("Address_Set").size, 0);
});

test("a listener that throws harms nobody", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  const log: string[] = [];
  await using session = new Session({
    remotes: [server.remote],
    database,
    log: (level, message) => log.push(`${level}: ${message}`),
  });
  session.start();
  const replica = session.replica(northbound, { Address_Set: true });
  await replica.ready(soon());
  replica.subscribe(() => assert.fail("broken"));
  const rows = followed(replica);
  await session.transact(begin().insert("Address_Set", { name: "a" }));
  assert.equal(rows.size, 1);
  assert(log.includes("error: a listener of a replica failed"));
});

test("a table or column that the schema does not have is refused when the replica is made", () => {
  const session = new Session({ remotes: ["unix:/nonexistent"], database });
  const untyped: Database<unknown> = { schema: northbound.schema };
  assert.throws(() => session.replica(untyped, { ACL: { columns: ["nope"] } }), { code: "unknown column" });
  assert.throws(() => session.replica(untyped, { Nope: true }), { code: "unknown table" });
  assert.throws(() => session.replica(northbound, { ACL: true }).table("Copp"), { code: "unknown table" });
});
