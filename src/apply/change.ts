// The smallest changes that the engine makes, before they are gathered into transactions: a row, the stated columns of
// a row, or one member of one column. One operation may carry many members.

import type { Columns } from "../desired/desiredRow.ts";
import type { Atom } from "../model/fact.ts";
import type { Owner } from "../model/owner.ts";
import type { MemberColumn } from "./tableRules.ts";

interface OnRow {
  readonly table: string;
  readonly uuid: string;
  /** The owners whose facts ask for it; empty for a removal. */
  readonly owners: readonly Owner[];
}

export interface RowInsert extends OnRow {
  readonly kind: "insert";
  readonly columns: Columns;
}

export interface RowUpdate extends OnRow {
  readonly kind: "update";
  /** Only those that differ. */
  readonly columns: Columns;
  /** The same without taking anything away; absent when `columns` take nothing away. */
  readonly keeping?: Columns;
}

export interface RowDelete extends OnRow {
  readonly kind: "delete";
}

export interface MemberChange extends OnRow {
  readonly kind: "member";
  readonly column: MemberColumn;
  readonly action: "insert" | "delete";
  /** The member of a set, or the key in a map. */
  readonly key: Atom;
  /** The same as `key` in a set, the entry's value in a map. */
  readonly value: Atom;
}

/** Facts that cannot be made true, whatever the database holds. */
export interface Impossible extends OnRow {
  readonly kind: "impossible";
  /** The member concerned, unless it is the row. */
  readonly member?: { readonly column: string; readonly key: Atom };
  readonly message: string;
}

export type Change = RowInsert | RowUpdate | RowDelete | MemberChange | Impossible;

/** Whether the change takes something away: a row, a member, or part of a column that gathers what others say. */
export const isRemoval = (change: Change): boolean =>
  change.kind === "delete" ||
  (change.kind === "member" && change.action === "delete") ||
  (change.kind === "update" && change.keeping !== undefined);

/** The row that the change starts or stops referring to. */
export function targetOf(change: Change): { readonly table: string; readonly uuid: string } | undefined {
  if (change.kind !== "member" || !change.column.reference || typeof change.key !== "string")
    return undefined;
  return { table: change.column.reference.table, uuid: change.key };
}

/** Roughly how many bytes the change adds to a request. */
export function bytesOf(change: Change): number {
  const columns = change.kind === "insert" || change.kind === "update" ? change.columns : undefined;
  let bytes = 100;
  if (change.kind === "member") bytes = 20 + bytesOfValue(change.key) + bytesOfValue(change.value);
  if (columns) for (const [name, value] of columns) bytes += name.length + bytesOfValue(value);
  return bytes;
}

function bytesOfValue(value: unknown): number {
  if (typeof value === "string") return value.length + 4;
  if (value instanceof Map) return sum([...value].flat());
  return Array.isArray(value) ? sum(value) : 6;
}

const sum = (values: readonly unknown[]): number =>
  values.reduce<number>((bytes, value) => bytes + bytesOfValue(value), 10);
