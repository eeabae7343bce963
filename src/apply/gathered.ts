// Columns of a row fact that combine input from several objects: a balancer's virtual addresses with their endpoints.
// An update of such a column may take something away that only seems to be gone. So the engine also knows the update
// that takes nothing away, for as long as the prune guard holds the rest back.

import type { Columns } from "../desired/desiredRow.ts";
import type { Atom, ColumnValue } from "../model/fact.ts";
import type { Row } from "../ovsdb/index.ts";

const gathered: ReadonlyMap<string, string> = new Map([["Load_Balancer", "vips"]]);

/**
 * `columns` with everything that `found` has in gathered columns; undefined when `columns` take nothing away. A key for
 * which `isClaimed` holds is somebody else's now and is not kept.
 */
export function keeping(
  table: string,
  columns: Columns,
  found: Row,
  isClaimed: (key: Atom) => boolean = () => false,
): Columns | undefined {
  const name = gathered.get(table);
  const wanted = name === undefined ? undefined : columns.get(name);
  const before = name === undefined ? undefined : found[name];
  if (name === undefined || !(wanted instanceof Map) || !(before instanceof Map)) return undefined;
  const whole = union(wanted, before, isClaimed);
  return whole && new Map<string, ColumnValue>([...columns, [name, whole]]);
}

/** An update of a gathered column as the entries that differ, and the other columns of the update. */
export interface ChangedEntries {
  readonly column: string;
  readonly insert: ReadonlyMap<Atom, Atom>;
  readonly delete: readonly Atom[];
  readonly others: Columns;
}

/** Undefined when `columns` have no gathered one. A large column is not rewritten for one endpoint. */
export function changedEntries(
  table: string,
  columns: Columns,
  found: Row | undefined,
): ChangedEntries | undefined {
  const column = gathered.get(table);
  const wanted = column === undefined ? undefined : columns.get(column);
  const before = column === undefined ? undefined : found?.[column];
  if (column === undefined || !(wanted instanceof Map) || !(before instanceof Map)) return undefined;
  return {
    column,
    insert: new Map([...wanted].filter(([key, value]) => before.get(key) !== value)),
    delete: [...before.keys()].filter((key) => !wanted.has(key)),
    others: new Map([...columns].filter(([name]) => name !== column)),
  };
}

function union(
  wanted: ReadonlyMap<Atom, Atom>,
  before: ReadonlyMap<Atom, Atom>,
  isClaimed: (key: Atom) => boolean,
): ReadonlyMap<Atom, Atom> | undefined {
  const whole = new Map(wanted);
  let isLonger = false;
  for (const [key, value] of before) {
    if (isClaimed(key)) continue;
    const now = endpoints(wanted.get(key) ?? "");
    const wantedNow = new Set(now);
    const lost = endpoints(value).filter((endpoint) => !wantedNow.has(endpoint));
    if (wanted.has(key) && lost.length === 0) continue;
    isLonger = true;
    // What exists keeps its text while nothing is added to it.
    const isAll = wantedNow.isSubsetOf(new Set(endpoints(value)));
    whole.set(key, isAll ? value : [...now, ...lost].join());
  }
  return isLonger ? whole : undefined;
}

/** The endpoints of a virtual address, as a balancer's row has them. */
export const endpoints = (value: Atom): readonly string[] =>
  String(value)
    .split(",")
    .filter((endpoint) => endpoint !== "");
