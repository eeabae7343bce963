// One table of a replica, as readers see it. A large change is prepared beside the rows. It becomes visible all at
// once, because lookups consult it first, and is then moved into the rows little by little, unnoticed by readers.

import type { Atom } from "./columnValue.ts";
import type { IndexedBy, IndexOf, Row } from "./database.ts";
import { type RowIndex, Rows, type ValuesOf } from "./rows.ts";
import { ShardedMap } from "./shardedMap.ts";

/** A view that a program reads; `R` is the type of its rows, `Index` the names of its indexes. */
export interface TableView<R, Index extends string = IndexOf<R>> {
  readonly size: number;
  get(uuid: string): R | undefined;
  values(): Iterable<R>;
  /** The rows whose `index` has the value `value`. `index` must be one the replica was made with. */
  by<I extends Index>(index: I, value: NoInfer<IndexedBy<R, I>>): readonly R[];
  by(index: ValuesOf, value: Atom): readonly R[];
}

/** The difference to a table: the rows that are new or changed, and the UUIDs of all that changed or went. */
export class TableChange {
  readonly rows: Rows;
  readonly #changed = new ShardedMap<string, Row | undefined>();
  #growth = 0;

  constructor(indexes: readonly RowIndex[]) {
    this.rows = new Rows(indexes);
  }

  /** By how many rows the table grows. */
  get growth(): number {
    return this.#growth;
  }

  /** The row of `uuid` changes from `old` to `row`; at most once for each UUID. */
  put(uuid: string, old: Row | undefined, row: Row | undefined): void {
    this.#changed.set(uuid, row);
    this.rows.replace(undefined, row);
    this.#growth += Number(row !== undefined) - Number(old !== undefined);
  }

  has(uuid: string): boolean {
    return this.#changed.has(uuid);
  }

  /** UUID and row; undefined for a row that went. */
  entries(): Iterable<[string, Row | undefined]> {
    return this.#changed.entries();
  }
}

export class Table implements TableView<Row> {
  #rows: Rows;
  /** Takes precedence over the rows that it replaces. */
  #change: TableChange | undefined;
  #size = 0;

  /** `indexes` as in `Rows`. */
  constructor(indexes: readonly RowIndex[]) {
    this.#rows = new Rows(indexes);
  }

  get size(): number {
    return this.#size;
  }

  get(uuid: string): Row | undefined {
    const rows = this.#change?.has(uuid) ? this.#change.rows : this.#rows;
    return rows.get(uuid);
  }

  values(): Iterable<Row> {
    const change = this.#change;
    return change ? changedValues(this.#rows.values(), change) : this.#rows.values();
  }

  by(index: RowIndex, value: Atom): readonly Row[] {
    const rows = this.#rows.by(index, value);
    const change = this.#change;
    if (!change) return rows;
    return [...rows.filter(({ _uuid }) => !change.has(_uuid)), ...change.rows.by(index, value)];
  }

  /** Puts `row` in place of `old`, the present row of that UUID; either may be absent. The table must be settled. */
  replace(old: Row | undefined, row: Row | undefined): void {
    this.#rows.replace(old, row);
    this.#size = this.#rows.size;
  }

  /** Makes all of `change` visible. The table must be settled before, and `settle` must follow. */
  change(change: TableChange): void {
    this.#change = change;
    this.#size += change.growth;
  }

  /** Moves the visible change into the rows, step by step. May be dropped and begun again. */
  *settle(): Generator<void> {
    if (!this.#change) return;
    for (const [uuid, row] of this.#change.entries()) {
      const old = this.#rows.get(uuid);
      if (old !== row) this.#rows.replace(old, row);
      yield;
    }
    this.#change = undefined;
    this.#size = this.#rows.size;
  }

  /** Takes over `rows`, which had the same indexes. */
  become(rows: Rows): void {
    this.#rows = rows;
    this.#change = undefined;
    this.#size = rows.size;
  }
}

function* changedValues(rows: Iterable<Row>, change: TableChange): Generator<Row> {
  for (const row of rows) if (!change.has(row._uuid)) yield row;
  yield* change.rows.values();
}
