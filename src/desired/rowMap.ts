// A map from rows to values. A table and a UUID name a row. Both levels are plain maps, so no key strings are built,
// and listing all rows of one table costs nothing.

export class RowMap<V> {
  /** table -> uuid -> value */
  readonly #tables = new Map<string, Map<string, V>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(table: string, uuid: string): V | undefined {
    return this.#tables.get(table)?.get(uuid);
  }

  has(table: string, uuid: string): boolean {
    return this.#tables.get(table)?.has(uuid) ?? false;
  }

  set(table: string, uuid: string, value: V): void {
    const rows = this.#tables.get(table) ?? new Map<string, V>();
    const before = rows.size;
    if (before === 0) this.#tables.set(table, rows);
    rows.set(uuid, value);
    this.#size += rows.size - before;
  }

  /** The value of the row; `make` creates it if there is none yet. */
  ensure(table: string, uuid: string, make: () => V): V {
    const found = this.get(table, uuid);
    if (found !== undefined) return found;
    const made = make();
    this.set(table, uuid, made);
    return made;
  }

  delete(table: string, uuid: string): boolean {
    const rows = this.#tables.get(table);
    if (!rows?.delete(uuid)) return false;
    this.#size--;
    if (rows.size === 0) this.#tables.delete(table);
    return true;
  }

  *values(): Generator<V, void> {
    for (const rows of this.#tables.values()) yield* rows.values();
  }

  *entries(): Generator<readonly [table: string, uuid: string, value: V], void> {
    for (const [table, rows] of this.#tables) for (const [uuid, value] of rows) yield [table, uuid, value];
  }

  /** How many rows of each table there are. */
  counts(): ReadonlyMap<string, number> {
    return new Map([...this.#tables].map(([table, rows]) => [table, rows.size]));
  }
}
