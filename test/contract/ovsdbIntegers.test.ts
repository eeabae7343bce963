// Integers of 64 bits on a real server: nothing is rounded in rows, keys, conditions or changes.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Database, parseSchema, Session, Transaction } from "../../src/ovsdb/index.ts";
import { makeFolder, removeFolder } from "../real/atExit.ts";
import { startOvsdbServer } from "../real/ovsdbServer.ts";
import { begin, startZoo, visit, zoo } from "./ovsdbZoo.ts";

const timeout = { timeout: 30_000 };
const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const uuid = "00000000-0000-4000-8000-00000000000a";

test("integers have all their 64 bits, wherever they stand, on the way there and back", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  const replica = session.replica(zoo, { Animal: true }, { indexes: { Animal: ["legs", "lucky"] } });
  await replica.ready(soon());
  const largest = Number.MAX_SAFE_INTEGER;
  for (const legs of [largest + 1, 2 ** 63, 1e300, -largest - 1, 2n ** 63n]) {
    await assert.rejects(session.transact(begin().insert("Animal", { legs })), { code: "invalid value" });
    await assert.rejects(session.select(zoo, "Animal", [["legs", "==", legs]]), { code: "invalid value" });
  }
  const animal = (): unknown => {
    const row = replica.table("Animal").get(uuid);
    return row && { legs: row.legs, lucky: row.lucky, cage: row.cage };
  };
  // As numbers, the two in the set would be one, and the next step of the first would be none.
  const [one, two] = [2n ** 53n, 2n ** 53n + 1n];
  await session.transact(
    begin().insert("Animal", { legs: two, lucky: [one, two, -largest], cage: one }, uuid),
  );
  assert.deepEqual(animal(), { legs: two, lucky: [-largest, one, two], cage: one });
  assert.equal(replica.table("Animal").by("legs", two).length, 1);
  assert.equal(replica.table("Animal").by("lucky", one).length, 1);
  await session.transact(
    begin()
      .waitUntil("Animal", uuid, { cage: one })
      .mutateSet("Animal", uuid, "lucky", "delete", [one])
      .update("Animal", uuid, { cage: two })
      .mutateNumber("Animal", uuid, "legs", "-=", 2),
  );
  assert.deepEqual(animal(), { legs: largest, lucky: [-largest, two], cage: two });
  assert.equal((await session.select(zoo, "Animal", [["cage", "==", two]])).length, 1);
  assert.equal((await session.select(zoo, "Animal", [["cage", "==", one]])).length, 0);
  await replica.select("Animal", [["lucky", "includes", [two]]]);
  assert.equal(replica.table("Animal").size, 1);
  await session.transact(begin().mutateNumber("Animal", uuid, "legs", "+=", 2n ** 62n));
  assert.deepEqual(animal(), { legs: 2n ** 62n + BigInt(largest), lucky: [-largest, two], cage: two });
});

test("a map's large integers change by one without losing their key", timeout, async () => {
  const folder = await makeFolder("weft-integers-");
  const file = join(folder, "integers.ovsschema");
  const counts = { type: { key: "integer", value: "integer", min: 0, max: "unlimited" } };
  const json = { name: "Integers", tables: { Port: { isRoot: true, columns: { counts } } } };
  await writeFile(file, JSON.stringify(json));
  await using server = await startOvsdbServer(file);
  await removeFolder(folder);
  await using session = new Session({ remotes: [server.remote], database: "Integers" });
  session.start();
  const integers: Database<unknown> = { schema: parseSchema(json) };
  const replica = session.replica(integers, { Port: true });
  await replica.ready(soon());
  const key = 2n ** 63n - 1n;
  const transaction = (): Transaction => new Transaction(integers);
  await session.transact(transaction().insert("Port", { counts: new Map([[key, 2n ** 53n + 1n]]) }, uuid));
  for (const count of [2n ** 53n, 2n ** 53n + 4n, 5]) {
    await session.transact(transaction().update("Port", uuid, { counts: new Map([[key, count]]) }));
    assert.deepEqual(replica.table("Port").get(uuid)?.counts, new Map([[key, count]]));
  }
});
