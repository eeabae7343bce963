import assert from "node:assert/strict";
import { test } from "node:test";
import type { Atom } from "./columnValue.ts";
import type { Database, Ref, Row, RowOf } from "./database.ts";
import { parseSchema } from "./schema.ts";
import { Transaction } from "./transaction.ts";

// The promises of the types, checked by the compiler: each @ts-expect-error below fails the build when it is no error.

type Tables = {
  readonly Switch: {
    readonly row: {
      readonly _uuid: Ref<"Switch">;
      readonly name: string;
      readonly ports: readonly Ref<"Port">[];
    };
    readonly insert: { readonly name: string; readonly ports?: readonly Ref<"Port">[] };
  };
  readonly Port: {
    readonly row: { readonly _uuid: Ref<"Port"> };
    readonly insert: { readonly tag?: number };
  };
};

const database: Database<Tables> = { schema: parseSchema({ name: "Db", tables: {} }) };
const port: Ref<"Port"> = "a uuid";
const anyTable: string = "Switch";
const anyUuid: string = "a uuid";

test("a table named by a literal is typed, by a string it is not", () => {
  const transaction = new Transaction(database)
    .insert("Switch", { name: "s", ports: [port, anyUuid] })
    .insert(anyTable, { whatever: [1] })
    .insert("Switch", new Map<string, Atom>([["name", "s"]]))
    .mutateSet("Switch", anyUuid, "ports", "insert", [port])
    .mutateSet(anyTable, port, "whatever", "insert", [port]);
  // @ts-expect-error: name is required
  transaction.insert("Switch", {});
  // @ts-expect-error: no such column
  transaction.update("Switch", anyUuid, { nam: "s" });
  // @ts-expect-error: no such table
  transaction.insert("Swich", { name: "s" });
  // @ts-expect-error: a port is no switch
  transaction.delete("Switch", port);
  // @ts-expect-error: name is no set
  transaction.mutateSet("Switch", anyUuid, "name", "insert", []);
  // @ts-expect-error: ports is no map
  transaction.mutateMap("Switch", anyUuid, "ports", {});
  assert.equal(transaction.size, 11);
});

test("rows have the type of their table", () => {
  const typed: RowOf<Tables, "Switch"> = { _uuid: "u", name: "s", ports: [] };
  const generic: Row = typed;
  // @ts-expect-error: a row of the wrong table
  const wrong: RowOf<Tables, "Port"> = { _uuid: typed._uuid };
  assert.deepEqual(generic, { ...wrong, name: "s", ports: [] });
});
