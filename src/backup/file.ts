// A backup as text: one line that says what it is and has a checksum, and one line with the rows. Nothing in a file is
// trusted before it has been parsed.

import { hash } from "node:crypto";
import * as v from "valibot";
import {
  type DatabaseSchema,
  decodeColumn,
  encodeColumn,
  exactText,
  parseExactly,
  type Row,
} from "../ovsdb/index.ts";

/** Table ▶ its rows, as a database has them at one moment. */
export type Content = ReadonlyMap<string, readonly Row[]>;

const headerSchema = v.object({
  weft: v.literal("backup"),
  format: v.literal(1),
  /** Weft's id of the cluster. */
  cluster: v.string(),
  database: v.string(),
  schemaVersion: v.string(),
  /** Of a clustered database, the id of its RAFT cluster. */
  raftCluster: v.optional(v.string()),
  time: v.string(),
  rows: v.number(),
  sha256: v.string(),
});
export type BackupHeader = v.InferOutput<typeof headerSchema>;

export interface Backup {
  readonly header: BackupHeader;
  readonly content: Content;
}

export type About = Pick<BackupHeader, "cluster" | "raftCluster" | "time">;

/** Without ephemeral columns, which do not survive a restart of the server either. */
export function backupText(about: About, schema: DatabaseSchema, content: Content): string {
  const tables = [...content].map(([table, rows]) => [
    table,
    rows.map((row) => [
      row._uuid,
      ...durableColumns(schema, table).map(([name, column]) => encodeColumn(row[name], column)),
    ]),
  ]);
  const columns = [...content.keys()].map((table) => [
    table,
    durableColumns(schema, table).map(([name]) => name),
  ]);
  const body = exactText({ columns: Object.fromEntries(columns), tables: Object.fromEntries(tables) });
  const header: BackupHeader = {
    ...{ weft: "backup", format: 1, database: schema.name, schemaVersion: schema.version, ...about },
    rows: [...content.values()].reduce((sum, rows) => sum + rows.length, 0),
    sha256: hash("sha256", body),
  };
  return `${JSON.stringify(header)}\n${body}\n`;
}

const durableColumns = (schema: DatabaseSchema, table: string) =>
  [...(schema.tables.get(table)?.columns ?? [])].filter(([, { ephemeral }]) => !ephemeral);

const bodySchema = v.object({
  columns: v.record(v.string(), v.array(v.string())),
  tables: v.record(v.string(), v.array(v.tupleWithRest([v.string()], v.unknown()))),
});

/** What the first line says. Throws when this is no backup. */
export function headerOf(text: string): BackupHeader {
  const [line = ""] = text.split("\n", 1);
  try {
    return v.parse(headerSchema, JSON.parse(line));
  } catch (error) {
    throw new Error("this file is not a backup made by weft, or was made by a later version", {
      cause: error,
    });
  }
}

/** The rows, as a database with `schema` can take them. Throws when something is damaged, or unknown there. */
export function backupOf(text: string, schema: DatabaseSchema): Backup {
  const header = headerOf(text);
  const body = text.slice(text.indexOf("\n") + 1).trimEnd();
  if (hash("sha256", body) !== header.sha256)
    throw new Error("the backup is damaged: its rows do not match the checksum in its first line");
  const { columns, tables } = v.parse(bodySchema, parseExactly(body));
  const content = Object.entries(tables).map(([table, rows]): [string, readonly Row[]] => {
    const known = schema.tables.get(table);
    const names = columns[table] ?? [];
    const strange = known ? names.find((name) => !known.columns.has(name)) : table;
    if (!known || strange !== undefined) {
      throw new Error(
        `the database has no ${known ? `column ${table}.${strange}` : `table ${table}`}, which the backup uses: its schema is ${schema.version}, the backup's ${header.schemaVersion}`,
      );
    }
    return [table, rows.map(([uuid, ...values]) => rowOf(known.columns, uuid, names, values))];
  });
  return { header, content: new Map(content) };
}

function rowOf(
  columns: NonNullable<ReturnType<DatabaseSchema["tables"]["get"]>>["columns"],
  _uuid: string,
  names: readonly string[],
  values: readonly unknown[],
): Row {
  const entries = names.flatMap((name, index) => {
    const column = columns.get(name);
    return column ? [[name, decodeColumn(values[index], column)] as const] : [];
  });
  return { _uuid, ...Object.fromEntries(entries) };
}
