// The rows of one table by UUID and by declared indexes: the content of a table, present or future.

import { type Atom, isMapValue, isSetValue } from "./columnValue.ts";
import type { Row } from "./database.ts";
import { ShardedMap } from "./shardedMap.ts";

/** Most values of an index belong to one row, which is then stored without a map: 100,000 rows save 100,000 maps. */
type Bucket = Row | ShardedMap<string, Row>;

/** What rows are found by, computed from a row. */
export type ValuesOf = (row: Row) => readonly Atom[];

/**
 * `column` (a set column is indexed by each member), `column:key` (one key of a map column), or a function, by which rows
 * are then looked up.
 */
export type RowIndex = string | ValuesOf;

interface Index {
  readonly valuesOf: ValuesOf;
  readonly buckets: ShardedMap<Atom, Bucket>;
}

export class Rows {
  readonly #rows = new ShardedMap<string, Row>();
  readonly #indexes: ReadonlyMap<RowIndex, Index>;

  constructor(indexes: readonly RowIndex[]) {
    this.#indexes = new Map(
      indexes.map((index) => {
        const valuesOf = typeof index === "string" ? inColumn(index) : index;
        return [index, { valuesOf, buckets: new ShardedMap() }];
      }),
    );
  }

  get size(): number {
    return this.#rows.size;
  }

  get(uuid: string): Row | undefined {
    return this.#rows.get(uuid);
  }

  values(): Iterable<Row> {
    return this.#rows.values();
  }

  by(index: RowIndex, value: Atom): readonly Row[] {
    const bucket = this.#indexOf(index).buckets.get(value);
    if (bucket === undefined) return [];
    return bucket instanceof ShardedMap ? [...bucket.values()] : [bucket];
  }

  /** Puts `row` in place of `old`, the present row of that UUID; either may be absent. */
  replace(old: Row | undefined, row: Row | undefined): void {
    if (row) this.#rows.set(row._uuid, row);
    else if (old) this.#rows.delete(old._uuid);
    for (const index of this.#indexes.values()) {
      if (old) for (const value of index.valuesOf(old)) removeFrom(index.buckets, value, old);
      if (row) for (const value of index.valuesOf(row)) addTo(index.buckets, value, row);
    }
  }

  #indexOf(name: RowIndex): Index {
    const index = this.#indexes.get(name);
    if (index) return index;
    const known = [...this.#indexes.keys()].map(nameOf).join(", ");
    throw new RangeError(`no index ${nameOf(name)}: the replica has ${known || "none"}`);
  }
}

const nameOf = (index: RowIndex): string => (typeof index === "string" ? index : `${index.name}()`);

/** `index` is `column` or `column:key`. */
function inColumn(index: string): ValuesOf {
  const colon = index.indexOf(":");
  const column = colon < 0 ? index : index.slice(0, colon);
  const key = colon < 0 ? undefined : index.slice(colon + 1);
  return (row) => {
    const value = row[column];
    if (isSetValue(value)) return value;
    const atom = isMapValue(value) ? (key === undefined ? undefined : value.get(key)) : value;
    return atom === undefined ? [] : [atom];
  };
}

function addTo(buckets: ShardedMap<Atom, Bucket>, value: Atom, row: Row): void {
  const bucket = buckets.get(value);
  if (bucket === undefined) buckets.set(value, row);
  else if (bucket instanceof ShardedMap) bucket.set(row._uuid, row);
  else {
    const both = new ShardedMap<string, Row>();
    both.set(bucket._uuid, bucket);
    both.set(row._uuid, row);
    buckets.set(value, both);
  }
}

function removeFrom(buckets: ShardedMap<Atom, Bucket>, value: Atom, row: Row): void {
  const bucket = buckets.get(value);
  if (bucket instanceof ShardedMap) {
    bucket.delete(row._uuid);
    if (bucket.size > 0) return;
  }
  buckets.delete(value);
}
