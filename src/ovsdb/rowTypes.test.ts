import assert from "node:assert/strict";
import { test } from "node:test";
import { exactText } from "./exactJson.ts";
import { rowTypes } from "./rowTypes.ts";

const schema = {
  name: "Db",
  version: "1.0.0",
  tables: {
    Logical_Port: {
      columns: {
        name: { type: "string" },
        kind: { type: { key: { type: "string", enum: ["set", ["router", "localnet"]] } } },
        tag: { type: { key: { type: "integer", minInteger: 1, maxInteger: 4095 }, min: 0 } },
        priority: { type: { key: { type: "integer", minInteger: 0, maxInteger: 9 } } },
        protocols: { type: { key: { type: "string", enum: ["set", ["tcp", "udp"]] }, min: 0, max: 2 } },
        peer: { type: { key: { type: "uuid", refTable: "Logical_Port", refType: "weak" }, min: 0 } },
        ids: { type: { key: "string", value: "string", min: 0, max: "unlimited" }, mutable: false },
        large: { type: { key: { type: "integer", minInteger: 0, maxInteger: 2n ** 63n - 1n } } },
        counts: { type: { key: "string", value: { type: "integer", minInteger: 1 }, min: 1, max: 2 } },
        owner: { type: { key: { type: "uuid", enum: ["uuid", "aaaaaaaa-0000-4000-8000-000000000000"] } } },
      },
      indexes: [["name"]],
    },
  },
};

const lines = rowTypes(schema, { name: "db", library: "ovsdb", command: "make codegen" }).split("\n");

test("a row says what its columns hold", () => {
  const start = lines.indexOf("export type LogicalPortRow = {");
  assert.deepEqual(lines.slice(start + 1, lines.indexOf("};", start)), [
    '  readonly _uuid: Ref<"Logical_Port">;',
    "  readonly name: string;",
    '  readonly kind: "router" | "localnet";',
    "  /** 1 to 4095. */",
    "  readonly tag: number | undefined;",
    "  /** 0 to 9. */",
    "  readonly priority: number;",
    "  /** At most 2. */",
    '  readonly protocols: readonly ("tcp" | "udp")[];',
    "  /** Weak reference. */",
    '  readonly peer: Ref<"Logical_Port"> | undefined;',
    "  /** Cannot change after the insert. */",
    "  readonly ids: ReadonlyMap<string, string>;",
    "  /** 0 to 9223372036854775807. */",
    "  readonly large: Integer;",
    "  /** 1 to …; at least one; at most 2. */",
    "  readonly counts: ReadonlyMap<string, Integer>;",
    '  readonly owner: "aaaaaaaa-0000-4000-8000-000000000000";',
  ]);
});

test("an insert needs what has no acceptable default, and what an index must tell apart", () => {
  const start = lines.indexOf("export type LogicalPortInsert = {");
  const required = lines.slice(start + 1, lines.indexOf("};", start)).filter((line) => !line.includes("?:"));
  assert.deepEqual(required, [
    "  readonly name: string;",
    '  readonly kind: "router" | "localnet";',
    "  readonly counts: ReadonlyMap<string, Integer>;",
    '  readonly owner: "aaaaaaaa-0000-4000-8000-000000000000";',
  ]);
});

test("the constant carries the schema whole", () => {
  assert(lines.includes("export const db: Database<DbTables> = {"));
  const constant = lines.find((line) => line.startsWith("  schema: parseSchema("));
  assert(constant?.includes('"maxInteger":9223372036854775807n'));
  assert.equal(constant, `  schema: parseSchema(${exactText(schema, (integer) => `${integer}n`)}),`);
});

test("what a schema calls itself cannot become code", () => {
  const sly = { ...schema, version: "1\nprocess.exit();", name: "Db */" };
  const text = rowTypes(sly, { name: "db", library: "ovsdb", command: "make codegen" });
  assert(!text.split("\n").some((line) => line.startsWith("process")));
  assert(text.includes("schema Db??? 1?process.exit???. Do not edit."));
});
