import assert from "node:assert/strict";
import { test } from "node:test";
import type { Database } from "./database.ts";
import { OvsdbError } from "./errors.ts";
import { type Guard, guardIndex } from "./guard.ts";
import { Marker, type MarkerSession } from "./marker.ts";
import { parseSchema } from "./schema.ts";
import { Transaction } from "./transaction.ts";

const ids = { type: { key: "string", value: "string", min: 0, max: "unlimited" } };
const database: Database<unknown> = {
  schema: parseSchema({ name: "Db", tables: { T: { columns: { ids } } } }),
};
const uuid = "aaaaaaaa-0000-4000-8000-000000000000";
const place = { table: "T", uuid, column: "ids", key: "k" };
const noGuard = new OvsdbError("timed out", "the guard", { operationIndex: guardIndex });

/** The value that a guard gives to the mark. */
function valueOf({ after }: Guard): string {
  const [operation] = after.operations;
  assert(operation?.kind === "mutateMap");
  const value = operation.mutation.insert?.get("k");
  assert(typeof value === "string");
  return value;
}

/** A database of one mark, and what `commit` does with it under a guard. */
function sessionOf(commit: (mark: { value: string }, guard: Guard) => void): MarkerSession {
  const mark = { value: "first" };
  return {
    again: async () => {},
    commit: async (transaction, guard) => {
      if (!guard) return { operations: [{ rows: [{ _uuid: uuid, ids: new Map([["k", mark.value]]) }] }] };
      commit(mark, guard);
      return { operations: transaction.operations.map(() => ({})) };
    },
  };
}

test("a server that sends a transaction on twice by itself does not take its marker away", async () => {
  const marker = new Marker(place);
  let commits = 0;
  const session = sessionOf((mark, guard) => {
    mark.value = valueOf(guard);
    // The first is committed, and then tried again by the server: its own mark is in the way.
    if (++commits === 1) throw noGuard;
  });
  const change = new Transaction(database).comment("x");
  assert.deepEqual(await marker.carry(change, session), { operations: [{}], recovered: true });
  assert.deepEqual(await marker.carry(change, session), { operations: [{}] });
  assert.equal(commits, 2);
});

test("a mark of which nobody here knows belongs to another program", async () => {
  const session = sessionOf((mark) => {
    mark.value = "theirs";
    throw noGuard;
  });
  const marker = new Marker(place);
  const change = new Transaction(database).comment("x");
  await assert.rejects(marker.carry(change, session), { code: "not owner", outcome: "not committed" });
  await assert.rejects(marker.carry(change, session), { code: "not owner" });
});
