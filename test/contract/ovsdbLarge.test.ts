// Transactions so large that encoding and decoding them takes many turns of the event loop.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { northboundSchema, select, startOvsdbServer } from "../real/ovsdbServer.ts";

const database = "OVN_Northbound";
const count = 40_000;

test("a huge transaction is seen whole or not at all, and what is sent right behind it comes after it", {
  timeout: 60_000,
}, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = new Session({ remotes: [server.remote], database });
  const replica = session.replica(
    northbound,
    { Address_Set: { columns: ["name", "external_ids"] } },
    { indexes: { Address_Set: ["name", "external_ids:round"] } },
  );
  session.start();
  await replica.ready();
  const table = replica.table("Address_Set");
  const uuids = Array.from({ length: count }, () => crypto.randomUUID());
  const seen = new Set<string>();
  const look = (): void => {
    const sizes = ["1", "2"].map((round) => table.by("external_ids:round", round).length);
    seen.add(
      `${table.size} rows: ${sizes.join(" + ")}, first ${table.get(uuids[0] ?? "")?.name ?? "absent"}`,
    );
  };
  replica.subscribe(look);
  const done = new AbortController();
  const looking = (async () => {
    while (!done.signal.aborted) {
      look();
      for (let pause = 0; pause < 10; pause++) await turn();
    }
  })();

  const insert = new Transaction(northbound);
  for (const [index, uuid] of uuids.entries())
    insert.insert("Address_Set", { name: `set-${index}`, external_ids: new Map([["round", "1"]]) }, uuid);
  const inserted = session.transact(insert);
  // It refers to a row of the previous transaction.
  const [first = ""] = uuids;
  const renamed = session.transact(
    new Transaction(northbound).update("Address_Set", first, { name: "first" }),
  );
  await Promise.all([inserted, renamed]);
  const change = new Transaction(northbound);
  for (const uuid of uuids.slice(0, count / 2))
    change.update("Address_Set", uuid, { external_ids: new Map([["round", "2"]]) });
  for (const uuid of uuids.slice(-10)) change.delete("Address_Set", uuid);
  await session.transact(change);
  while (table.size !== count - 10) await turn();
  look();
  done.abort();
  await looking;

  const half = count / 2;
  assert.deepEqual(
    [...seen],
    [
      "0 rows: 0 + 0, first absent",
      `${count} rows: ${count} + 0, first set-0`,
      `${count} rows: ${count} + 0, first first`,
      `${count - 10} rows: ${half - 10} + ${half}, first first`,
    ],
  );
  const rows = new Map((await select(server.remote, database, "Address_Set")).map((row) => [row._uuid, row]));
  assert.equal(rows.size, table.size);
  for (const { _uuid, name } of table.values()) assert.equal(rows.get(_uuid)?.name, name);
});
