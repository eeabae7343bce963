// The two sides that the engine compares, what is wanted and what exists, and which owner a row belongs to. A row is
// provably Weft's if it has the cluster's mark in its external_ids. In the few tables without external_ids, the
// reserved start of its name together with a computed UUID proves it.

import type { Absence } from "../desired/absence.ts";
import type { Desired } from "../desired/desired.ts";
import type { DesiredDatabase } from "../desired/desiredDatabase.ts";
import type { DesiredRow } from "../desired/desiredRow.ts";
import type { Fact } from "../model/fact.ts";
import { ownership } from "../model/names.ts";
import type { Owner } from "../model/owner.ts";
import type { AnyReplica, DatabaseSchema, Row } from "../ovsdb/index.ts";
import { type TableRules, tableRules } from "./tableRules.ts";

/** The two sides, as the pure parts of the engine see them. */
export interface World {
  rules(table: string): TableRules | undefined;
  desired(table: string, uuid: string): DesiredRow | undefined;
  actual(table: string, uuid: string): Row | undefined;
  /** All rows that exist in the table. */
  rows(table: string): Iterable<Row>;
  /** The inputs of all plans are complete: a row without facts is unwanted, and not merely unplanned so far. */
  isSynced(): boolean;
  /** Whether the row is wanted, or provably Weft's. */
  owns(table: string, row: Row): boolean;
  factsOf(owner: Owner): readonly Fact[];
  /** Every row that has a fact. */
  wanted(): Iterable<DesiredRow>;
  /** The owner of a row; undefined if its table has no column for that. */
  ownerOf(row: Row): Owner | undefined;
  absenceOf(owner: Owner): Absence;
  /** What can be said about rows that may be any owner's. */
  leastSureAbsence(): Absence;
}

export interface WorldOptions {
  readonly cluster: string;
  readonly schema: DatabaseSchema;
  readonly desired: DesiredDatabase;
  readonly replica: Pick<AnyReplica, "tables" | "table">;
  readonly owners: Pick<Desired, "factsOf" | "leastSureAbsence" | "absenceOf">;
  readonly isSynced: () => boolean;
  /** Weft's rows that no fact states and that are never deleted: the fence. */
  readonly kept: ReadonlySet<string>;
}

export function worldOf(options: WorldOptions): World {
  const replicated = new Set(options.replica.tables);
  const rules = new Map([...tableRules(options.schema)].filter(([table]) => replicated.has(table)));
  const prefix = `${options.cluster}_`;

  function owns(table: string, row: Row): boolean {
    if (options.kept.has(row._uuid)) return false;
    if (options.desired.row(table, row._uuid)?.columns) return true;
    const nameColumn = rules.get(table)?.nameColumn;
    if (nameColumn !== undefined) {
      const name = row[nameColumn];
      return typeof name === "string" && name.startsWith(prefix) && isComputed(row._uuid);
    }
    const ids = row.external_ids;
    return ids instanceof Map && ids.get(ownership.cluster) === options.cluster;
  }

  return {
    rules: (table) => rules.get(table),
    desired: (table, uuid) => options.desired.row(table, uuid),
    actual: (table, uuid) => (rules.has(table) ? options.replica.table(table).get(uuid) : undefined),
    rows: (table) => (rules.has(table) ? options.replica.table(table).values() : []),
    isSynced: options.isSynced,
    owns,
    factsOf: (owner) => options.owners.factsOf(owner),
    wanted: () => options.desired.rows(),
    ownerOf,
    absenceOf: (owner) => options.owners.absenceOf(owner),
    leastSureAbsence: () => options.owners.leastSureAbsence(),
  };
}

function ownerOf({ external_ids: ids }: Row): Owner | undefined {
  const owner = ids instanceof Map ? ids.get(ownership.owner) : undefined;
  return typeof owner === "string" ? owner : undefined;
}

/** Weft computes UUIDs of version 5. Rows of other writers get random ones, of version 4. */
const isComputed = (uuid: string): boolean => uuid[14] === "5";
