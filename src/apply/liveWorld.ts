// The world of a running engine. It follows the server's schema, which may change at a reconnection, and iterates over
// all rows.

import type { Owner } from "../model/owner.ts";
import type { DatabaseSchema } from "../ovsdb/index.ts";
import type { EngineOptions } from "./engineOptions.ts";
import { fenceRow } from "./fence.ts";
import type { RowName } from "./look.ts";
import { memoryRow } from "./memory.ts";
import { type World, worldOf } from "./world.ts";

export class LiveWorld {
  readonly #options: EngineOptions;
  readonly #isSynced: () => boolean;
  #known: { readonly schema: DatabaseSchema; readonly world: World } | undefined;

  constructor(options: EngineOptions, isSynced: () => boolean) {
    this.#options = options;
    this.#isSynced = isSynced;
  }

  /** The world, by the server's present schema. */
  now(): World {
    const { cluster, database, desired, destination, replica, session } = this.#options;
    const schema = session.serverSchema ?? database.schema;
    if (this.#known?.schema !== schema)
      this.#known = {
        schema,
        world: worldOf({
          cluster,
          schema,
          replica,
          desired: desired.database(destination),
          owners: desired,
          isSynced: this.#isSynced,
          kept: new Set([fenceRow(cluster), memoryRow(cluster)]),
        }),
      };
    return this.#known.world;
  }

  /** Every row that is wanted or exists. Undefined items only let the caller pause. */
  *rows(): Generator<RowName | undefined> {
    const { desired, destination, replica } = this.#options;
    const wanted = desired.database(destination);
    yield* wanted.rows();
    for (const table of replica.tables)
      for (const { _uuid: uuid } of replica.table(table).values())
        yield wanted.row(table, uuid) ? undefined : { table, uuid };
  }

  /**
   * Every existing row that may have to go or to lose members: nobody wants it, or its table has member columns. Undefined
   * items only let the caller pause.
   */
  *mayLose(): Generator<RowName | undefined> {
    const { desired, destination, replica } = this.#options;
    const wanted = desired.database(destination);
    for (const table of replica.tables) {
      const hasMembers = (this.now().rules(table)?.memberColumns.size ?? 0) > 0;
      for (const { _uuid: uuid } of replica.table(table).values())
        yield hasMembers || !wanted.row(table, uuid)?.columns ? { table, uuid } : undefined;
    }
  }

  /** How many rows in the database are Weft's. */
  countOwned(): number {
    return [...this.owned().values()].reduce((sum, count) => sum + count, 0);
  }

  /** Table -> the number of Weft's rows in it; tables without any are left out. */
  owned(): ReadonlyMap<string, number> {
    const { replica } = this.#options;
    const world = this.now();
    const counts = new Map<string, number>();
    for (const table of replica.tables)
      for (const row of replica.table(table).values())
        if (world.owns(table, row)) counts.set(table, (counts.get(table) ?? 0) + 1);
    return counts;
  }

  /** The owners of Weft's rows. */
  owners(): ReadonlySet<Owner> {
    const { replica } = this.#options;
    const world = this.now();
    const rows = [...replica.tables].flatMap((table) =>
      [...replica.table(table).values()].filter((row) => world.owns(table, row)),
    );
    return new Set(rows.flatMap((row) => world.ownerOf(row) ?? []));
  }

  /** The name of a row for people. */
  nameOf(table: string, uuid: string): string {
    const name = this.#options.replica.table(table).get(uuid)?.name;
    return typeof name === "string" && name !== "" ? name : `${table} ${uuid}`;
  }
}
