// Rows as sets of lines, so that what is lost and what is added can be told.

import type { Row } from "../../src/ovsdb/index.ts";

/** Everything in the row that carries traffic, one line for each piece: an endpoint, a member, an address. */
export function* linesOf(table: string, row: Row): Generator<string> {
  yield `${table} ${row._uuid}`;
  for (const [column, value] of Object.entries(row)) {
    if (column === "external_ids" || column === "options") continue;
    if (value instanceof Map)
      for (const [key, of] of value)
        for (const one of String(of).split(",")) yield `${table} ${row._uuid} ${column} ${key} ${one}`;
    else if (Array.isArray(value))
      for (const one of value) yield `${table} ${row._uuid} ${column} ${String(one)}`;
  }
}
