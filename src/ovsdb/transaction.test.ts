import assert from "node:assert/strict";
import { test } from "node:test";
import type { Columns, Database } from "./database.ts";
import { isOvsdbError } from "./errors.ts";
import { type DatabaseSchema, parseSchema } from "./schema.ts";
import { Transaction } from "./transaction.ts";
import { encodeTransaction, readReply, type Sent } from "./transactionReply.ts";

const columns = {
  name: { type: "string" },
  tag: { type: { key: "integer", min: 0 } },
  ports: { type: { key: { type: "uuid", refTable: "Port" }, min: 0, max: "unlimited" } },
  ids: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
};
const schemaWith = (columnsOfSwitch: object): ReturnType<typeof parseSchema> =>
  parseSchema({ name: "Db", tables: { Switch: { columns: columnsOfSwitch }, Port: { columns: {} } } });

const database: Database<unknown> = { schema: schemaWith(columns) };
const { tag: _, ...withoutTag } = columns;
const older = schemaWith(withoutTag);

const a = "aaaaaaaa-0000-4000-8000-000000000000";
const b = "bbbbbbbb-0000-4000-8000-000000000000";
const where = [["_uuid", "==", ["uuid", a]]];

function encoded<T>(transaction: Transaction<T>, server: DatabaseSchema): readonly Sent[] {
  const steps = encodeTransaction(transaction, server);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

const wireOf = <T>(transaction: Transaction<T>, server = database.schema): object[] =>
  encoded(transaction, server).map(({ text }) => JSON.parse(text));

/** All kinds of operations, once. */
const all = (): Transaction =>
  new Transaction(database)
    .waitUntil("Switch", a, { name: "old" })
    .insert("Switch", { name: "s1", tag: 5, ports: [b], ids: new Map([["k", "v"]]) }, a)
    .update("Switch", a, { tag: undefined })
    .mutateSet("Switch", a, "ports", "delete", [b])
    .mutateMap("Switch", a, "ids", { insert: new Map([["k", "new"]]), delete: ["gone"] })
    .delete("Switch", a)
    .comment('say "hello"');

test("each operation has the wire form of the RFC", () => {
  assert.deepEqual(wireOf(all()), [
    {
      op: "wait",
      table: "Switch",
      timeout: 0,
      where,
      columns: ["name"],
      until: "==",
      rows: [{ name: "old" }],
    },
    {
      op: "insert",
      table: "Switch",
      uuid: a,
      row: { name: "s1", tag: 5, ports: ["set", [["uuid", b]]], ids: ["map", [["k", "v"]]] },
    },
    { op: "update", table: "Switch", where, row: { tag: ["set", []] } },
    { op: "mutate", table: "Switch", where, mutations: [["ports", "delete", ["set", [["uuid", b]]]]] },
    {
      op: "mutate",
      table: "Switch",
      where,
      mutations: [
        ["ids", "delete", ["set", ["gone", "k"]]],
        ["ids", "insert", ["map", [["k", "new"]]]],
      ],
    },
    { op: "delete", table: "Switch", where },
    { op: "comment", comment: 'say "hello"' },
  ]);
});

test("a transaction reads as one line for each operation", () => {
  assert.equal(
    String(all()),
    [
      `wait Switch ${a} name="old"`,
      `insert Switch ${a} name="s1" tag=5 ports=["${b}"] ids={"k":"v"}`,
      `update Switch ${a} tag=[]`,
      `mutate Switch ${a} ports -= ["${b}"]`,
      `mutate Switch ${a} ids -= ["gone"] += {"k":"new"}`,
      `delete Switch ${a}`,
      `comment "say \\"hello\\""`,
    ].join("\n"),
  );
});

test("columns that the server lacks are not sent, nor operations that touch nothing else", () => {
  const transaction = new Transaction(database)
    .update("Switch", a, { tag: 1 })
    .insert("Switch", { name: "s1", tag: 5 }, a)
    .mutateSet("Switch", a, "tag", "insert", [1]);
  assert.deepEqual(wireOf(transaction, older), [
    { op: "insert", table: "Switch", uuid: a, row: { name: "s1" } },
  ]);
  const sent = encoded(transaction, older);
  assert.deepEqual(readReply([{ uuid: ["uuid", a] }], sent, transaction.size), {
    operations: [{}, { uuid: a }, {}],
  });
});

test("a wait on a column that the server lacks is refused: without it the transaction would lose its guard", () => {
  const transaction = new Transaction(database).waitUntil("Switch", a, { name: "x", tag: 1 });
  assert.throws(() => wireOf(transaction, older), { code: "unknown column", operationIndex: 0 });
});

test("what does not fit the schema is refused before it is sent, and the error says where", () => {
  const begin = (): Transaction => new Transaction(database).comment("first");
  const wrong = [
    [begin().insert("Nope", {}), "unknown table"],
    [begin().insert("Switch", { nope: 1 }), "unknown column"],
    [begin().insert("Switch", { name: 1 }), "invalid value"],
    [begin().insert("Switch", new Map([["name", "NUL \0"]])), "invalid value"],
    [begin().delete("Switch", "not-a-uuid"), "invalid value"],
    [begin().mutateSet("Switch", a, "ids", "insert", ["k"]), "invalid value"],
    [begin().mutateMap("Switch", a, "ports", { delete: [b] }), "invalid value"],
    [begin().comment("\ud800"), "invalid value"],
  ] as const;
  for (const [transaction, code] of wrong)
    assert.throws(() => wireOf(transaction), { code, operationIndex: 1, outcome: "not committed" });
});

const two = new Transaction(database).insert("Switch", { name: "s" }, a).update("Switch", b, { name: "t" });
const read = (reply: unknown, transaction = two): unknown =>
  readReply(reply, encoded(transaction, database.schema), transaction.size);

test("a refused operation is named, with what the server said", () => {
  const reply = [{ uuid: ["uuid", a] }, { error: "constraint violation", details: "too long" }];
  assert.throws(() => read(reply), {
    code: "constraint violation",
    operationIndex: 1,
    table: "Switch",
    uuid: b,
    message: `operation 1 (update Switch ${b}): constraint violation: too long`,
  });
});

test("an error of the commit comes as one result more", () => {
  const reply = [
    { uuid: ["uuid", a] },
    { count: 1 },
    { error: "referential integrity violation", details: "x" },
  ];
  assert.throws(() => read(reply), { code: "referential integrity violation", operationIndex: undefined });
});

test("an operation that hit no row is an error that says the others were committed", () => {
  const reply = [{ uuid: ["uuid", a] }, { count: 0 }];
  assert.throws(() => read(reply), { code: "no row", operationIndex: 1, uuid: b, outcome: "committed" });
  const allowing = new Transaction(database)
    .insert("Switch", {}, a)
    .delete("Switch", b, { allowMissing: true });
  assert.deepEqual(read(reply, allowing), { operations: [{ uuid: a }, { count: 0 }] });
});

test("an error that no list knows keeps its text", () => {
  assert.throws(() => read([{ error: "on fire" }, null]), { code: "other", message: /on fire/ });
});

test("a reply that is none leaves the outcome open", () => {
  for (const reply of [null, {}, [], [{ uuid: ["uuid", a] }], [1, 2]])
    assert.throws(
      () => read(reply),
      (error) => isOvsdbError(error, "protocol error") && error.outcomeUnknown,
    );
});

test("a value that the server's schema forbids is refused before it is sent, and the rule is named", () => {
  const json = {
    name: "Db",
    tables: {
      T: {
        columns: {
          tag: { type: { key: { type: "integer", minInteger: 0, maxInteger: 4095 }, min: 0 } },
          name: { type: { key: { type: "string", minLength: 1, maxLength: 3 } } },
          kind: { type: { key: { type: "string", enum: ["set", ["router", "localnet"]] } } },
          some: { type: { key: "integer", min: 1, max: 2 } },
          ids: {
            type: { key: "string", value: { type: "integer", minInteger: 1 }, min: 0, max: "unlimited" },
          },
        },
      },
    },
  };
  const strict: Database<unknown> = { schema: parseSchema(json) };
  const sent = (row: Columns): unknown => wireOf(new Transaction(strict).update("T", a, row), strict.schema);
  const wrong: readonly (readonly [Columns, RegExp])[] = [
    [{ tag: 5000 }, /column tag: 5000 is not in the range 0 to 4095/],
    [{ tag: -(2n ** 60n) }, /range 0 to 4095/],
    [{ name: "" }, /"" is not as long as 1 to 3 characters/],
    [{ kind: "bridge" }, /bridge is not one of the allowed values router, localnet/],
    [{ some: [] }, /0 members, where 1 to 2 are allowed/],
    [{ some: [1, 2, 3] }, /3 members/],
    [{ some: [1, 1] }, /a member is twice/],
    [{ ids: new Map([["a", 0]]) }, /0 is not in the range 1 to …/],
  ];
  for (const [row, message] of wrong)
    assert.throws(() => sent(row), { code: "constraint violation", operationIndex: 0, message });
  // Characters, not UTF-16 units.
  sent({ tag: undefined, name: "😀😀😀", kind: "router", some: [1, 2], ids: new Map() });
  // A wait may be for anything.
  wireOf(new Transaction(strict).waitUntil("T", a, { tag: 5000 }), strict.schema);
});
