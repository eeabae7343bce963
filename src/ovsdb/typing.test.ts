// What the compiler refuses. Each line after `@ts-expect-error` must be an error, and no other line; the programs are
// never run.

import { test } from "node:test";
import type { Database, Integer, Ref, Replica, Session } from "./index.ts";
import { parseSchema, type Selected, Transaction } from "./index.ts";

type SwitchRow = {
  readonly _uuid: Ref<"Switch">;
  readonly name: string;
  readonly kind: "router" | "localnet";
  readonly tag: number | undefined;
  readonly bytes: Integer;
  readonly up: boolean | undefined;
  readonly ports: readonly Ref<"Port">[];
  readonly uplinks: ReadonlyMap<string, Ref<"Port">>;
  readonly ids: ReadonlyMap<string, string>;
  readonly fixed: readonly Ref<"Port">[];
};
type PortRow = { readonly _uuid: Ref<"Port">; readonly name: string };
type Tables = {
  readonly Switch: {
    readonly row: SwitchRow;
    readonly insert: Partial<Omit<SwitchRow, "_uuid">>;
    readonly immutable: "name" | "fixed";
  };
  readonly Port: { readonly row: PortRow; readonly insert: { readonly name?: string } };
};

const database: Database<Tables> = { schema: parseSchema({ name: "Db", tables: {} }) };
const begin = (): Transaction<Tables> => new Transaction(database);

/** Programs that are compiled only. */
const compiled = (_name: string, ..._programs: readonly ((...given: never[]) => unknown)[]): void => {};

declare const session: Session;
declare const one: SwitchRow;
declare const port: PortRow;

test("a replica's rows have the columns that were chosen, and its lookups those that it was made with", () => {
  compiled("columns", () => {
    const replica = session.replica(
      database,
      { Switch: { columns: ["name", "ids"], where: [["kind", "==", "router"]] }, Port: true },
      { indexes: { Switch: ["name", "ids:owner"] } },
    );
    const [row] = replica.table("Switch").values();
    const [name, ids]: readonly [string | undefined, ReadonlyMap<string, string> | undefined] = [
      row?.name,
      row?.ids,
    ];
    // @ts-expect-error `tag` was not chosen
    void row?.tag;
    // @ts-expect-error
    replica.table("Switch").by("tag", 1);
    // @ts-expect-error a name is a string
    replica.table("Switch").by("name", 1);
    // @ts-expect-error Port has no index
    replica.table("Port").by("name", "a");
    replica.subscribe((changes) => {
      for (const change of changes)
        if (change.table === "Switch") {
          void change.new?.ids;
          // @ts-expect-error
          void change.new?.tag;
        }
    });
    void replica.select("Switch", [["tag", ">", 1]]);
    // @ts-expect-error
    void replica.select("Switch", [["nope", "==", 1]]);
    return [name, ids, replica.table("Switch").by("ids:owner", "me"), replica.table("Port").get("")?.name];
  });
  compiled(
    "names",
    // @ts-expect-error no such column
    () => session.replica(database, { Switch: { columns: ["nope"] } }),
    // @ts-expect-error no such table
    () => session.replica(database, { Switch: true, Nope: true }),
    // @ts-expect-error an index needs a column that is copied
    () => session.replica(database, { Switch: { columns: ["name"] } }, { indexes: { Switch: ["tag"] } }),
    // @ts-expect-error only a map has keys
    () => session.replica(database, { Switch: true }, { indexes: { Switch: ["name:key"] } }),
  );
  compiled(
    "a type to pass it on by",
    (): Replica<Selected<Tables, { Port: { columns: ["name"] } }>> =>
      session.replica(database, { Port: { columns: ["name"] } }),
  );
  compiled("select", async () => {
    const [row] = await session.select(database, "Switch", [], { columns: ["name"] });
    // @ts-expect-error
    void row?.tag;
    return row?.name;
  });
});

test("conditions compare a column with its own type, and only numbers by order", () => {
  compiled(
    "right",
    () => begin().delete("Switch", [["name", "==", "a"], ["tag", "<", 5], ["bytes", ">=", 2n ** 60n], true]),
    () =>
      begin().delete("Switch", [
        ["ports", "includes", [port._uuid]],
        ["_uuid", "!=", one._uuid],
      ]),
    () =>
      begin().delete("Switch", [
        ["ports", "excludes", port._uuid],
        ["tag", "==", []],
      ]),
    () => begin().delete("Switch", [["ids", "includes", new Map([["owner", "me"]])]]),
  );
  compiled(
    "wrong",
    // @ts-expect-error
    () => begin().delete("Switch", [["nope", "==", "a"]]),
    // @ts-expect-error
    () => begin().delete("Switch", [["name", "==", 1]]),
    // @ts-expect-error
    () => begin().delete("Switch", [["name", "<", "b"]]),
    // @ts-expect-error
    () => begin().delete("Switch", [["kind", "==", "bridge"]]),
    // @ts-expect-error
    () => begin().delete("Switch", [["ports", "includes", [one._uuid]]]),
    // @ts-expect-error
    () => session.select(database, "Switch", [["ids", "==", ["a"]]]),
  );
});

test("a set takes only references to its table, and a map only its own entries", () => {
  compiled(
    "right",
    () => begin().mutateSet("Switch", one._uuid, "ports", "insert", [port._uuid, crypto.randomUUID()]),
    () => begin().mutateMap("Switch", one._uuid, "uplinks", { insert: new Map([["a", port._uuid]]) }),
    () => begin().mutateMap("Switch", one._uuid, "ids", { delete: ["a"] }),
  );
  compiled(
    "wrong",
    // @ts-expect-error
    () => begin().mutateSet("Switch", one._uuid, "ports", "insert", [one._uuid]),
    // @ts-expect-error
    () => begin().mutateSet("Switch", one._uuid, "ports", "insert", [1]),
    // @ts-expect-error
    () => begin().mutateMap("Switch", one._uuid, "uplinks", { insert: new Map([["a", one._uuid]]) }),
    // @ts-expect-error
    () => begin().mutateMap("Switch", one._uuid, "ids", { delete: [1] }),
    // @ts-expect-error
    () => begin().delete("Switch", port._uuid),
  );
});

test("a column that cannot change can be inserted and waited for, but not changed", () => {
  compiled(
    "right",
    () => begin().insert("Switch", { name: "a", fixed: [port._uuid] }),
    () => begin().waitUntil("Switch", one._uuid, { name: "a" }).update("Switch", one._uuid, { tag: 1 }),
  );
  compiled(
    "wrong",
    // @ts-expect-error
    () => begin().update("Switch", one._uuid, { name: "b" }),
    // @ts-expect-error
    () => begin().mutateSet("Switch", one._uuid, "fixed", "insert", [port._uuid]),
  );
});

test("a database without row types takes what the schema takes", () => {
  const untyped: Database<unknown> = { schema: database.schema };
  compiled(
    "right",
    () =>
      session
        .replica(untyped, { Any: { columns: ["a"] } }, { indexes: { Any: ["a"] } })
        .table("Any")
        .by("a", 1),
    () =>
      new Transaction(untyped)
        .update("Any", [["a", "<", 1]], { a: 1 })
        .mutateSet("Any", "", "b", "insert", [1]),
  );
});
