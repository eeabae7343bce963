// Rows of one table from the wire. A row is a copy of one template object with the sent columns filled in: so all
// rows of a table share one hidden class, and columns that a server leaves out have their default.

import { decodeColumn, defaultOf, type Intern } from "./codec.ts";
import { isMapValue, isSetValue } from "./columnValue.ts";
import type { Row } from "./database.ts";
import { OvsdbError } from "./errors.ts";
import { changeColumn, copyOf, type MutableRow, setColumn } from "./largeColumn.ts";
import type { ColumnSchema, TableSchema } from "./schema.ts";

export class RowDecoder {
  /** The columns to ask the server for. */
  readonly columns: readonly string[];
  readonly #known: ReadonlyMap<string, ColumnSchema>;
  readonly #template: MutableRow;
  readonly #intern: Intern;

  /**
   * Decodes `columns` of the table that `client` describes. Only columns that `server` has in the same shape are
   * requested.
   */
  constructor(
    client: TableSchema,
    server: TableSchema,
    columns: Iterable<string>,
    intern: Intern = (atom) => atom,
  ) {
    const known = new Map<string, ColumnSchema>();
    this.#template = { _uuid: "" };
    for (const name of columns) {
      const column = client.columns.get(name);
      if (!column) continue;
      this.#template[name] = defaultOf(column);
      if (sameShape(column, server.columns.get(name))) known.set(name, column);
    }
    this.#known = known;
    this.#intern = intern;
    this.columns = [...known.keys()];
  }

  /**
   * The row after `update`, a <row-update2> of ovsdb-server(7) or a <row-update> of RFC 7047, section 4.1.6;
   * undefined if the update deletes it.
   */
  after(uuid: string, old: Row | undefined, update: unknown): Row | undefined {
    if (!isObject(update)) throw new OvsdbError("protocol error", "row update is not an object");
    const whole = update.insert ?? update.initial ?? update.new;
    if (whole !== undefined) return this.#decode({ ...this.#template, _uuid: uuid }, whole);
    if (update.modify === undefined) return undefined;
    if (!old) throw new OvsdbError("protocol error", `change of the unknown row ${uuid}`);
    return this.#decode(copyOf(old), update.modify, old);
  }

  /** Puts the columns of `json` into `row`. With `old`, sets and maps arrive as their difference from it. */
  #decode(row: MutableRow, json: unknown, old?: Row): Row {
    if (!isObject(json)) throw new OvsdbError("protocol error", "row is not an object");
    for (const name of Object.keys(json)) {
      const column = this.#known.get(name);
      if (!column) continue;
      const value = decodeColumn(json[name], column, this.#intern);
      if (column.max === 1 || !(isSetValue(value) || isMapValue(value))) row[name] = value;
      else if (old) changeColumn(row, name, old, value);
      else setColumn(row, name, value);
    }
    return row;
  }
}

/** A column whose type changed between schema versions is treated as missing, because its values would not fit. */
export const sameShape = (client: ColumnSchema, server: ColumnSchema | undefined): boolean =>
  server !== undefined &&
  client.key.type === server.key.type &&
  client.value?.type === server.value?.type &&
  client.max > 1 === server.max > 1;

const isObject = (json: unknown): json is { readonly [key: string]: unknown } =>
  typeof json === "object" && json !== null && !Array.isArray(json);
