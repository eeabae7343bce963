import assert from "node:assert/strict";
import { test } from "node:test";
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
  ]);
});

test("an insert needs what has no acceptable default, and what an index must tell apart", () => {
  const start = lines.indexOf("export type LogicalPortInsert = {");
  const required = lines.slice(start + 1, lines.indexOf("};", start)).filter((line) => !line.includes("?:"));
  assert.deepEqual(required, ["  readonly name: string;", '  readonly kind: "router" | "localnet";']);
});

test("the constant carries the schema whole", () => {
  assert(lines.includes("export const db: Database<DbTables> = {"));
  assert(lines.includes(`  schema: parseSchema(${JSON.stringify(schema)}),`));
});
