// Random schemas through the code generator: the generated code compiles, refuses what it should, and carries a row of
// every table to a real ovsdb-server with that schema and back. What the types require is what the server requires.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { exactText } from "../../src/ovsdb/exactJson.ts";
import { type Database, isOvsdbError, type Row, Session, Transaction } from "../../src/ovsdb/index.ts";
import { run, startOvsdbServer } from "../real/ovsdbServer.ts";
import { runSeed } from "../real/random.ts";
import { type AnyValue, type RandomSchema, type RandomTable, randomSchema } from "../real/randomSchema.ts";

const root = join(import.meta.dirname, "../..");
const library = join(root, "src/ovsdb");
const schemaCount = 30;
const seed = runSeed();

test(`${schemaCount} random schemas become types that hold (WEFT_SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  // Beside the sources, because TypeScript in node_modules is not run.
  await mkdir(join(root, "build"), { recursive: true });
  const folder = await mkdtemp(join(root, "build/codegen-"));
  const fileOf = (index: number, kind: string): string => join(folder, `random-${index}${kind}`);
  try {
    const schemas = fc.sample(randomSchema, { numRuns: schemaCount, seed });
    for (const [index, { json }] of schemas.entries())
      await writeFile(fileOf(index, ".ovsschema"), exactText(json));
    await run(process.execPath, [
      ...[join(library, "codegen.ts"), "--library", join(library, "index.ts"), "--out", folder],
      ...schemas.keys().map((index) => fileOf(index, ".ovsschema")),
    ]);
    const required: RequiredColumns[] = [];
    for (const [index, { tables }] of schemas.entries()) {
      const types = await readFile(fileOf(index, ".gen.ts"), "utf8");
      const columns = requiredColumns(types, tables);
      required.push(columns);
      await writeFile(fileOf(index, ".ts"), use(index, tables, columns));
    }
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["*.ts"] }),
    );
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    // tsc writes its errors to standard output.
    await run("sh", ["-c", `"$0" -p "$1" >&2`, join(root, "node_modules/.bin/tsc"), folder]);
    for (const [index, schema] of schemas.entries()) {
      const made: Made = await import(fileOf(index, ".ts"));
      await roundTrip(fileOf(index, ".ovsschema"), schema, made, required[index] ?? new Map());
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** What a module exports that uses generated types. */
interface Made {
  readonly database: Database<unknown>;
  /** A complete row of each table. */
  readonly whole: Transaction;
  /** A row of each table with only what its type requires. */
  readonly least: Transaction;
}

/** Table -> the columns that its insert type requires. */
type RequiredColumns = ReadonlyMap<string, readonly string[]>;

function requiredColumns(types: string, tables: readonly RandomTable[]): RequiredColumns {
  const inserts = [...types.matchAll(/^export type \w+Insert = \{\n(.*?)^\};/gms)];
  assert.equal(inserts.length, tables.length);
  return new Map(
    tables.map(({ name }, index) => {
      const lines = inserts[index]?.[1]?.matchAll(/^ {2}readonly (\w+)(\??):/gm) ?? [];
      return [name, [...lines].flatMap(([, column = "", optional]) => (optional ? [] : [column]))];
    }),
  );
}

/** A program for one schema. Each line after `@ts-expect-error` must be an error, and no other line. */
function use(index: number, tables: readonly RandomTable[], required: RequiredColumns): string {
  const constant = `random${index}`;
  const needed = ({ name }: RandomTable): readonly string[] => required.get(name) ?? [];
  const insert = (table: RandomTable, columns: Iterable<string>, more = ""): string => {
    const members = [...columns].map((name) => `${name}: ${literal(table.columns.get(name)?.value)}, `);
    return `.insert(${JSON.stringify(table.name)}, { ${members.join("")}${more} }, "${table.uuid}")`;
  };
  const begin = `new Transaction(${constant})`;
  return [
    `import { type ${constant[0]?.toUpperCase()}${constant.slice(1)}Tables as Tables, ${constant} } from "./random-${index}.gen.ts";`,
    `import { Transaction } from ${JSON.stringify(join(library, "index.ts"))};`,
    `export const database = ${constant};`,
    `export const whole = ${begin}${tables.map((table) => insert(table, table.columns.keys())).join("\n  ")};`,
    `export const least = ${begin}${tables.map((table) => insert(table, needed(table))).join("\n  ")};`,
    ...tables.flatMap((table) => [
      `export const copy${table.name} = (row: Tables["${table.name}"]["row"]) => ${begin}.insert("${table.name}", row);`,
      "// @ts-expect-error a column that is not there",
      `${begin}${insert(table, needed(table), "nonsense: 1")};`,
      ...needed(table).flatMap((column) => [
        `// @ts-expect-error ${column} is required`,
        `${begin}${insert(
          table,
          needed(table).filter((name) => name !== column),
        )};`,
      ]),
      ...[...table.columns.keys()].flatMap((column) => [
        `// @ts-expect-error ${column} holds nothing like that`,
        `${begin}.update("${table.name}", "", { ${column}: Symbol() });`,
      ]),
    ]),
    "",
  ].join("\n");
}

function literal(value: AnyValue): string {
  if (value instanceof Map && value.size === 0) return "new Map<never, never>()";
  if (value instanceof Map) {
    // TypeScript infers no common type for numbers and bigints.
    const [keys, values] = [value.keys(), value.values()].map((atoms) => [...atoms].map(source).join(" | "));
    return `new Map<${keys}, ${values}>(${source([...value])})`;
  }
  return value === undefined ? "undefined" : source(value);
}

const source = (value: unknown): string => exactText(value, (integer) => `${integer}n`);

/** Sends the program's rows to a server with the schema, and checks what it stores and requires. */
async function roundTrip(
  schemaFile: string,
  { json, tables }: RandomSchema,
  { database, whole, least }: Made,
  required: RequiredColumns,
): Promise<void> {
  await using server = await startOvsdbServer(schemaFile);
  await using session = new Session({ remotes: [server.remote], database: "Random" });
  session.start();
  await session.connected(AbortSignal.timeout(10_000));
  const told = (error: unknown): never => assert.fail(`${String(error)} of ${exactText(json)}`);

  const replica = session.replica(
    database,
    Object.fromEntries(tables.map(({ name }) => [name, true] as const)),
  );
  const rows = async (): Promise<unknown[]> => {
    const all: unknown[] = [];
    for (const { name, uuid } of tables) {
      const [selected] = await session.select(database, name);
      const copy = replica.table(name).get(uuid);
      assert.deepEqual(columnsInOrder(copy), columnsInOrder(selected), `${name} of ${exactText(json)}`);
      all.push(selected);
    }
    return all;
  };

  await session.transact(least).catch(told);
  await replica.ready(AbortSignal.timeout(10_000));
  await rows();
  const clear = new Transaction(database);
  for (const { name } of tables) clear.delete(name, []);
  await session.transact(clear);

  for (const { name, json: table } of tables)
    for (const column of required.get(name) ?? []) {
      // An index only requires its columns once there is a second row.
      if ("indexes" in table && JSON.stringify(table.indexes).includes(`"${column}"`)) continue;
      const lacking = new Transaction(database);
      for (const one of tables)
        lacking.insert(one.name, valuesOf(one, required.get(one.name) ?? [], name, column), one.uuid);
      await assert.rejects(session.transact(lacking), isOvsdbError, `${name}.${column} was not required`);
    }

  await session.transact(whole).catch(told);
  const written = await rows();
  for (const [index, { name, columns }] of tables.entries())
    for (const [column, { value }] of columns)
      assert.deepEqual(
        inOrder(memberOf(written[index], column)),
        inOrder(value),
        `${name}.${column} of ${exactText(json)}`,
      );
  for (const table of tables)
    for (const change of changesOf(table, database)) {
      // Some are refused: a set becomes too large, a column cannot change.
      await session.transact(change).catch((error: unknown) => assert(isOvsdbError(error), String(error)));
      await rows();
    }
}

/** Every way of changing each column of a table's row. */
function* changesOf(
  { name, uuid, columns }: RandomTable,
  database: Database<unknown>,
): Generator<Transaction> {
  const begin = (): Transaction => new Transaction(database);
  for (const [column, { value, other }] of columns) {
    if (other instanceof Map) {
      yield begin().mutateMap(name, uuid, column, { insert: other });
      yield begin().mutateMap(name, uuid, column, { delete: [...other.keys()].slice(1) });
      yield begin().mutateMap(name, uuid, column, { delete: other });
    } else if (Array.isArray(other)) {
      yield begin().mutateSet(name, uuid, column, "insert", other);
      yield begin().mutateSet(name, uuid, column, "delete", other.slice(1));
    } else if (typeof other === "number" || typeof other === "bigint")
      yield begin().mutateNumber(name, uuid, column, "-=", 1);
    yield begin().update(name, uuid, { [column]: other });
    yield begin().update(name, uuid, { [column]: value });
  }
}

const valuesOf = (
  table: RandomTable,
  columns: readonly string[],
  lackingTable: string,
  lacking: string,
): ReadonlyMap<string, AnyValue> =>
  new Map(
    columns
      .filter((column) => table.name !== lackingTable || column !== lacking)
      .map((column) => [column, table.columns.get(column)?.value]),
  );

const memberOf = (row: unknown, column: string): unknown =>
  typeof row === "object" && row !== null
    ? Object.entries(row).find(([name]) => name === column)?.[1]
    : undefined;

const columnsInOrder = (row: Row | undefined): unknown =>
  row && Object.fromEntries(Object.entries(row).map(([name, value]) => [name, inOrder(value)]));

/** A set or map has no order of its own, and a server's is not quite that of the replica beyond U+FFFF. */
function inOrder(value: unknown): unknown {
  const members = value instanceof Map ? [...value] : value;
  return Array.isArray(members) ? members.map((member) => exactText(member)).sort() : value;
}
