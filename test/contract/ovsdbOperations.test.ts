// All of RFC 7047 and ovsdb-server(7) on a real server: every operation of a transaction, locks, and conditions that
// change under a living replica. Conversions are in ovsdbConvert.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Condition,
  isOvsdbError,
  Session,
  serverDatabase,
  type Transaction,
} from "../../src/ovsdb/index.ts";
import { startRelay } from "../real/relay.ts";
import { until } from "../real/until.ts";
import { begin, startZoo, visit, zoo } from "./ovsdbZoo.ts";

const timeout = { timeout: 30_000 };
const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const uuid = "00000000-0000-4000-8000-00000000000a";

test(
  "select finds the rows that meet all conditions, within the transaction and outside",
  timeout,
  async () => {
    await using server = await startZoo();
    await using session = await visit(server.remote);
    const insert = begin()
      .insert("Animal", { name: "ant", legs: 6, weight: 0.1, cage: undefined, tags: ["small"] })
      .insert("Animal", { name: "bee", legs: 6, tame: true, cage: 3, ids: new Map([["a", "1"]]) })
      .insert("Animal", { name: "cat", legs: 4, tame: true, cage: 7, tags: ["small", "soft"] })
      .select("Animal", [["legs", "==", 6]], ["name"]);
    const { operations } = await session.transact(insert);
    assert.deepEqual(new Set(operations[3]?.rows?.map(({ name }) => name)), new Set(["ant", "bee"]));
    const cases: readonly (readonly [readonly Condition[], readonly string[]])[] = [
      [[], ["ant", "bee", "cat"]],
      [[true], ["ant", "bee", "cat"]],
      [[false], []],
      [[["legs", "<", 6]], ["cat"]],
      [
        [
          ["legs", ">=", 4],
          ["tame", "==", true],
        ],
        ["bee", "cat"],
      ],
      [[["weight", ">", 0]], ["ant"]],
      [[["tags", "includes", "soft"]], ["cat"]],
      [[["tags", "excludes", ["soft"]]], ["ant", "bee"]],
      [[["tags", "==", ["soft", "small"]]], ["cat"]],
      [[["ids", "includes", new Map([["a", "1"]])]], ["bee"]],
      [[["cage", "<=", 3]], ["bee"]],
      [
        [
          ["name", "!=", "ant"],
          ["_uuid", "!=", uuid],
        ],
        ["bee", "cat"],
      ],
    ];
    for (const [where, names] of cases) {
      const rows = await session.select(zoo, "Animal", where, { columns: ["name"] });
      assert.deepEqual(new Set(rows.map(({ name }) => name)), new Set(names), JSON.stringify(where));
      assert.equal(rows.length, names.length);
    }
    const [cat] = await session.select(zoo, "Animal", [["name", "==", "cat"]]);
    const { _uuid, ...columns } = cat ?? { _uuid: "" };
    assert.deepEqual(columns, {
      name: "cat",
      legs: 4,
      weight: 0,
      tame: true,
      tags: ["small", "soft"],
      lucky: [],
      cage: 7,
      ids: new Map(),
    });
    await assert.rejects(session.select(zoo, "Animal", [["_uuid", "==", "x"]]), { code: "invalid value" });
    await assert.rejects(session.select(zoo, "Animal", [["wings", "==", 2]]), { code: "unknown column" });
  },
);

test("mutate calculates on the server, with integers, reals and sets of them", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  await session.transact(begin().insert("Animal", { legs: 17, weight: 1.5, lucky: [1, 2], cage: 4 }, uuid));
  const sums = begin()
    .mutateNumber("Animal", uuid, "legs", "+=", 3)
    .mutateNumber("Animal", uuid, "legs", "/=", 3)
    .mutateNumber("Animal", uuid, "legs", "%=", 4)
    .mutateNumber("Animal", uuid, "weight", "*=", 3)
    .mutateNumber("Animal", uuid, "weight", "-=", 0.5)
    .mutateNumber("Animal", [], "lucky", "*=", 10)
    .mutateNumber("Animal", uuid, "cage", "+=", 1)
    .mutateSet("Animal", uuid, "tags", "insert", ["a", "b"])
    .mutateMap("Animal", uuid, "ids", {
      insert: new Map([
        ["k", "1"],
        ["l", "2"],
      ]),
    })
    .mutateMap("Animal", uuid, "ids", {
      delete: new Map([
        ["k", "other"],
        ["l", "2"],
      ]),
    });
  await session.transact(sums);
  const [row] = await session.select(zoo, "Animal", [["_uuid", "==", uuid]]);
  assert.deepEqual(
    [row?.legs, row?.weight, row?.lucky, row?.cage, row?.tags, row?.ids],
    [2, 4, [10, 20], 5, ["a", "b"], new Map([["k", "1"]])],
  );
  const bad = [
    [begin().mutateNumber("Animal", uuid, "legs", "/=", 0), "domain error"],
    [
      begin()
        .mutateNumber("Animal", uuid, "legs", "*=", 2 ** 52)
        .mutateNumber("Animal", uuid, "legs", "*=", 2 ** 52),
      "range error",
    ],
    [begin().mutateNumber("Animal", uuid, "name", "+=", 1), "invalid value"],
    [begin().mutateNumber("Animal", uuid, "legs", "+=", 0.5), "invalid value"],
  ] as const;
  for (const [transaction, code] of bad) await assert.rejects(session.transact(transaction), { code });
});

test("update, mutate and delete by conditions hit all rows that meet them, or none", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  const many = begin();
  for (let legs = 0; legs < 10; legs++) many.insert("Animal", { legs });
  await session.transact(many);
  const { operations } = await session.transact(
    begin()
      .update("Animal", [["legs", ">=", 5]], { tame: true })
      .mutateSet("Animal", [["tame", "==", true]], "tags", "insert", ["petted"])
      .delete("Animal", [["legs", "<", 3]])
      .delete("Animal", [["legs", "==", 100]]),
  );
  assert.deepEqual(operations, [{ count: 5 }, { count: 5 }, { count: 3 }, { count: 0 }]);
  await assert.rejects(session.transact(begin().delete("Animal", [false], { allowMissing: false })), {
    code: "no row",
  });
});

test("wait holds a transaction until rows are, or are no longer, as told", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  await using other = await visit(server.remote);
  await session.transact(begin().insert("Animal", { name: "cat", legs: 4 }, uuid));
  const seen: string[] = [];
  const waiting = session
    .transact(
      begin()
        .wait("Animal", uuid, { rows: [{ name: "lion" }], timeoutMs: 10_000 })
        .update("Animal", uuid, { tame: false }),
    )
    .then(() => seen.push("lion"));
  await other.transact(begin().update("Animal", uuid, { legs: 3 })).then(() => seen.push("legs"));
  await other.transact(begin().update("Animal", uuid, { name: "lion" }));
  await waiting;
  assert.deepEqual(seen, ["legs", "lion"]);

  const none = { columns: ["name"], rows: [] };
  await session.transact(begin().wait("Animal", [["legs", "==", 8]], none));
  await session.transact(begin().wait("Animal", [["legs", "==", 3]], { ...none, until: "!=" }));
  for (const wrong of [
    begin().wait("Animal", [["legs", "==", 3]], none),
    begin().wait("Animal", uuid, { rows: [{ name: "lion", legs: 3 }], until: "!=" }),
    begin().wait("Animal", uuid, { rows: [{ name: "cat" }], timeoutMs: 30 }),
  ])
    await assert.rejects(session.transact(wrong), { code: "timed out", outcome: "not committed" });
});

test("a transaction that waits for ever can be cancelled, and the server forgets it", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  await session.transact(begin().insert("Animal", { name: "cat" }, uuid));
  const controller = new AbortController();
  const never = begin()
    .wait("Animal", uuid, { rows: [{ name: "dog" }], timeoutMs: Number.POSITIVE_INFINITY })
    .delete("Animal", uuid);
  const waiting = session.transact(never, { signal: controller.signal });
  await session.databases();
  controller.abort();
  await assert.rejects(waiting, (error) => isOvsdbError(error, "canceled") && error.outcomeUnknown);
  await session.transact(begin().update("Animal", uuid, { name: "dog" }));
  await session.databases();
  assert.equal((await session.select(zoo, "Animal")).length, 1);
});

test("abort undoes, durable waits for the disk, a comment does nothing", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  const aborted = begin().insert("Animal", { name: "ghost" }).abort();
  await assert.rejects(session.transact(aborted), {
    code: "aborted",
    operationIndex: 1,
    outcome: "not committed",
  });
  await session.transact(begin().insert("Animal", { name: "real" }).durable().comment("here it is"));
  assert.deepEqual(
    (await session.select(zoo, "Animal")).map(({ name }) => name),
    ["real"],
  );
});

test("a lock passes from holder to holder, and assert checks it", timeout, async () => {
  await using server = await startZoo();
  await using relay = await startRelay(server.remote);
  await using one = await visit(relay.remote);
  await using two = await visit(server.remote);
  const told: boolean[] = [];
  const mine = one.lock("keeper", { changed: (held) => told.push(held) });
  await mine.acquired(soon());
  const theirs = two.lock("keeper");
  assert.throws(() => two.lock("keeper"), { code: "invalid value" });
  const guarded = (): Transaction => begin().assert("keeper").insert("Animal", {});
  await one.transact(guarded());
  await assert.rejects(two.transact(guarded()), { code: "not owner", operationIndex: 0 });
  assert.equal(theirs.held, false);

  await mine[Symbol.asyncDispose]();
  await theirs.acquired(soon());
  await assert.rejects(mine.acquired(), { code: "closed" });
  const back = one.lock("keeper", { steal: true, changed: (held) => told.push(held) });
  await back.acquired(soon());
  await until("the lock is stolen", () => !theirs.held);
  // The server releases a lock with the connection. When the thief is back, it queues like anyone else.
  relay.cut();
  await theirs.acquired(soon());
  await until("the thief has lost it", () => !back.held);
  await one.connected(soon());
  await theirs[Symbol.asyncDispose]();
  await back.acquired(soon());
  assert.deepEqual(told, [true, false, true, false, true]);
});

test(
  "what a replica holds can be chosen anew while it lives, and after a cut it is what was chosen",
  timeout,
  async () => {
    await using server = await startZoo();
    await using relay = await startRelay(server.remote);
    await using session = await visit(relay.remote);
    const many = begin();
    for (let legs = 0; legs < 10; legs++) many.insert("Animal", { legs });
    await session.transact(many);
    const replica = session.replica(zoo, { Animal: { where: [["legs", "<", 3]] } });
    const legs = (): number[] =>
      [...replica.table("Animal").values()].map((row) => Number(row.legs)).sort((a, b) => a - b);
    const sizes: number[] = [];
    replica.subscribe((changes) => sizes.push(changes.length));
    // Before the first copy too.
    await replica.select("Animal", [["legs", "<", 4]]);
    assert.deepEqual(legs(), [0, 1, 2, 3]);
    await replica.select("Animal", [
      ["legs", "==", 8],
      ["legs", "==", 3],
    ]);
    assert.deepEqual(legs(), [3, 8]);
    assert.equal(sizes.at(-1), 4);
    relay.cut();
    const chosen = replica.select("Animal", [["legs", ">", 7]]);
    await chosen;
    assert.deepEqual(legs(), [8, 9]);
    await replica.select("Animal", [false]);
    assert.deepEqual(legs(), []);
    await replica.select("Animal", undefined);
    assert.equal(legs().length, 10);
    await assert.rejects(replica.select("Animal", [["wings", "==", 1]]), { code: "unknown column" });
    await assert.rejects(replica.select("Cage", []), { code: "unknown table" });
  },
);

test("the server says what it serves, and how it is", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  assert.deepEqual([...(await session.databases())].sort(), ["Zoo", "_Server"]);
  assert.equal((await session.schemaOf("Zoo")).version, "1.0.0");
  await assert.rejects(session.schemaOf("Aquarium"), { code: "unknown database" });
  await using watcher = new Session({ remotes: [server.remote], database: "_Server" });
  watcher.start();
  const status = watcher.replica(serverDatabase, { Database: true }, { indexes: { Database: ["name"] } });
  await status.ready(soon());
  const [row] = status.table("Database").by("name", "Zoo");
  assert.deepEqual(
    [row?.model, row?.connected, row?.leader, row?.cid],
    ["standalone", true, true, undefined],
  );
});
