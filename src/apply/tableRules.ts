// What the engine must know about a table, derived once from the server's schema: which columns are filled by members,
// which references keep rows alive, and how to tell Weft's rows from others.

import type { ColumnSchema, DatabaseSchema } from "../ovsdb/index.ts";
import { sharedColumns } from "./columns.ts";

export interface Reference {
  readonly table: string;
  readonly strong: boolean;
  /** A strong reference: the target lives only as long as one exists, so the row with this member holds it. */
  readonly holds: boolean;
}

/** A column filled by member facts. */
export interface MemberColumn {
  readonly name: string;
  readonly map: boolean;
  /** Present when members are references to rows. */
  readonly reference?: Reference;
}

export interface TableRules {
  readonly table: string;
  readonly isRoot: boolean;
  readonly columns: ReadonlyMap<string, ColumnSchema>;
  readonly memberColumns: ReadonlyMap<string, MemberColumn>;
  /** Columns outside of `memberColumns` whose values are references. */
  readonly references: ReadonlyMap<string, Reference>;
  /** Each is a list of columns whose values together are unique in the table. */
  readonly indexes: readonly (readonly string[])[];
  /** In a table without external_ids: the column that starts with the cluster's prefix in Weft's rows. */
  readonly nameColumn?: string;
}

/** The rules of every table that the server has. */
export function tableRules(schema: DatabaseSchema): ReadonlyMap<string, TableRules> {
  return new Map([...schema.tables.keys()].map((table) => [table, rulesOf(schema, table)]));
}

function rulesOf(schema: DatabaseSchema, table: string): TableRules {
  const { columns, isRoot, indexes } = schema.tables.get(table) ?? {
    columns: new Map<string, ColumnSchema>(),
    isRoot: true,
    indexes: [],
  };
  const memberColumns = new Map<string, MemberColumn>();
  for (const name of sharedColumns(schema.name, table)) {
    const column = columns.get(name);
    if (!column) continue;
    const reference = referenceOf(schema, column);
    memberColumns.set(name, { name, map: column.kind === "map", ...(reference && { reference }) });
  }
  const references = new Map<string, Reference>();
  for (const [name, column] of columns) {
    const reference = memberColumns.has(name) ? undefined : referenceOf(schema, column);
    if (reference) references.set(name, reference);
  }
  const nameColumn = columns.has("external_ids") ? undefined : indexes[0]?.[0];
  return {
    table,
    isRoot,
    columns,
    memberColumns,
    references,
    indexes,
    ...(nameColumn !== undefined && { nameColumn }),
  };
}

function referenceOf(schema: DatabaseSchema, column: ColumnSchema): Reference | undefined {
  // OVN's northbound schema has references in keys only.
  const { refTable, refType } = column.key;
  if (refTable === undefined) return undefined;
  const strong = refType === "strong";
  return { table: refTable, strong, holds: strong && schema.tables.get(refTable)?.isRoot === false };
}
