// The rows of one table by UUID and by declared indexes: the content of a table, present or future.

import { type Atom, isMapValue, isSetValue } from "./columnValue.ts";
import type { Row } from "./database.ts";
import { ShardedMap } from "./shardedMap.ts";

/** Most values of an index belong to one row, which is then stored without a map: 100,000 rows save 100,000 maps. */
type Bucket = Row | ShardedMap<string, Row>;

interface Index {
  readonly column: string;
  /** Of a map column: the key whose value is indexed. */
  readonly key: string | undefined;
  readonly buckets: ShardedMap<Atom, Bucket>;
}

export class Rows {
  readonly #rows = new ShardedMap<string, Row>();
  readonly #indexes: ReadonlyMap<string, Index>;

  /** An index is `column` (a set column is indexed by each member) or `column:key` (one key of a map column). */
  constructor(indexes: readonly string[]) {
    this.#indexes = new Map(
      indexes.map((index) => {
        const colon = index.indexOf(":");
        const column = colon < 0 ? index : index.slice(0, colon);
        const key = colon < 0 ? undefined : index.slice(colon + 1);
        return [index, { column, key, buckets: new ShardedMap() }];
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

  by(index: string, value: Atom): readonly Row[] {
    const bucket = this.#indexOf(index).buckets.get(value);
    if (bucket === undefined) return [];
    return bucket instanceof ShardedMap ? [...bucket.values()] : [bucket];
  }

  /** Puts `row` in place of `old`, the present row of that UUID; either may be absent. */
  replace(old: Row | undefined, row: Row | undefined): void {
    if (row) this.#rows.set(row._uuid, row);
    else if (old) this.#rows.delete(old._uuid);
    for (const index of this.#indexes.values()) {
      if (old) for (const value of indexedValues(index, old)) removeFrom(index.buckets, value, old);
      if (row) for (const value of indexedValues(index, row)) addTo(index.buckets, value, row);
    }
  }

  #indexOf(name: string): Index {
    const index = this.#indexes.get(name);
    if (index) return index;
    throw new RangeError(
      `no index ${name}: the replica has ${[...this.#indexes.keys()].join(", ") || "none"}`,
    );
  }
}

function indexedValues({ column, key }: Index, row: Row): readonly Atom[] {
  const value = row[column];
  if (isSetValue(value)) return value;
  const atom = isMapValue(value) ? (key === undefined ? undefined : value.get(key)) : value;
  return atom === undefined ? [] : [atom];
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
