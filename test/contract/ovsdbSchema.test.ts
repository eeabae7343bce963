// A server whose schema is older or newer than the generated one.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { makeFolder, removeFolder } from "../real/atExit.ts";
import { northboundSchema, type OvsdbServer, startOvsdbServer } from "../real/ovsdbServer.ts";

const database = "OVN_Northbound";

interface EditableSchema {
  version: string;
  tables: Record<string, { columns: Record<string, unknown>; isRoot?: boolean }>;
}

/** A server with a northbound schema changed by `edit`. */
async function serverWith(edit: (schema: EditableSchema) => void): Promise<OvsdbServer> {
  const folder = await makeFolder("weft-schema-");
  try {
    const schema = JSON.parse(await readFile(northboundSchema, "utf8"));
    edit(schema);
    delete schema.cksum;
    const file = join(folder, "edited.ovsschema");
    await writeFile(file, JSON.stringify(schema));
    return await startOvsdbServer(file);
  } finally {
    await removeFolder(folder);
  }
}

test("an older server gets no column it lacks, and those columns read as their defaults", {
  timeout: 30_000,
}, async () => {
  await using server = await serverWith((schema) => {
    schema.version = "6.0.0";
    delete schema.tables.Logical_Switch?.columns.copp;
    delete schema.tables.Logical_Switch?.columns.load_balancer_group;
    delete schema.tables.Logical_Router?.columns.load_balancer_group;
    delete schema.tables.Load_Balancer_Group;
  });
  await using session = new Session({ remotes: [server.remote], database });
  session.start();
  const replica = session.replica(northbound, { Logical_Switch: true, Load_Balancer_Group: true });
  await replica.ready(AbortSignal.timeout(10_000));
  assert.equal(session.serverSchema?.version, "6.0.0");

  const uuid = crypto.randomUUID();
  const insert = new Transaction(northbound)
    .insert("Logical_Switch", { name: "s", load_balancer_group: [crypto.randomUUID()] }, uuid)
    .mutateSet("Logical_Switch", uuid, "load_balancer_group", "insert", [crypto.randomUUID()]);
  assert.deepEqual(await session.transact(insert), { operations: [{ uuid }, {}] });
  const row = replica.table("Logical_Switch").get(uuid);
  assert.deepEqual([row?.name, row?.load_balancer_group, row?.copp], ["s", [], undefined]);
  assert.equal(replica.table("Load_Balancer_Group").size, 0);
  const absent = new Transaction(northbound).insert("Load_Balancer_Group", { name: "g" });
  await assert.rejects(session.transact(absent), { code: "unknown table", table: "Load_Balancer_Group" });
});

test("a newer server's columns and tables are not seen", { timeout: 30_000 }, async () => {
  await using server = await serverWith((schema) => {
    schema.version = "99.0.0";
    schema.tables.Brand_New = { columns: { name: { type: "string" } }, isRoot: true };
    const columns = schema.tables.Logical_Switch?.columns;
    if (columns) {
      columns.brand_new = { type: { key: "string", value: "string", min: 0, max: "unlimited" } };
      // A column whose type has changed cannot be given to code that expects the old type.
      columns.copp = { type: { key: "string", min: 0, max: "unlimited" } };
    }
  });
  await using session = new Session({ remotes: [server.remote], database });
  session.start();
  const replica = session.replica(northbound, { Logical_Switch: true });
  await replica.ready(AbortSignal.timeout(10_000));
  const uuid = crypto.randomUUID();
  await session.transact(new Transaction(northbound).insert("Logical_Switch", { name: "s" }, uuid));
  const row = replica.table("Logical_Switch").get(uuid);
  assert.deepEqual(
    Object.keys(row ?? {}).sort(),
    ["_uuid", ...(northbound.schema.tables.get("Logical_Switch")?.columns.keys() ?? [])].sort(),
  );
  assert.equal(row?.copp, undefined);
  for (const use of [
    new Transaction(northbound).comment("x").update("Logical_Switch", uuid, { copp: uuid }),
    new Transaction(northbound).comment("x").delete("Logical_Switch", [["copp", "==", uuid]]),
    new Transaction(northbound).comment("x").waitUntil("Logical_Switch", uuid, { copp: undefined }),
  ])
    await assert.rejects(session.transact(use), {
      code: "unknown column",
      message: /server has column copp as another type \(set of string\): regenerate the row types/,
      operationIndex: 1,
    });
});
