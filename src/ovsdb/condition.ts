// Conditions that choose rows (RFC 7047, section 5.1, with the booleans that ovsdb-server(7) adds). In operations a
// row must meet all of them, in monitors one is enough.

import { encodeColumn, isUuid } from "./codec.ts";
import { type Atom, columnValueText } from "./columnValue.ts";
import { OvsdbError } from "./errors.ts";
import type { TableSchema } from "./schema.ts";

/** A condition on a column, `["priority", ">=", 100]`, or a constant: every row meets `true`, none meets `false`. */
export type Condition =
  | boolean
  | readonly [
      column: string,
      compare: "==" | "!=" | "<" | "<=" | ">" | ">=" | "includes" | "excludes",
      value: Atom | readonly Atom[] | ReadonlyMap<Atom, Atom>,
    ];

/** The columns that `conditions` name, without `_uuid`. */
export const columnsOf = (conditions: readonly Condition[]): string[] =>
  conditions.flatMap((condition) =>
    typeof condition === "boolean" || condition[0] === "_uuid" ? [] : condition[0],
  );

/** The wire form of `conditions` on rows of `table`. */
export function encodeConditions(conditions: readonly Condition[], table: TableSchema): unknown[] {
  return conditions.map((condition) => {
    if (typeof condition === "boolean") return condition;
    const [name, compare, value] = condition;
    if (name === "_uuid") {
      if (isUuid(value)) return [name, compare, ["uuid", value]];
      throw new OvsdbError("invalid value", `condition: ${columnValueText(value)} is not a UUID`);
    }
    const column = table.columns.get(name);
    if (!column) throw new OvsdbError("unknown column", `condition: no column ${name}`);
    const member = typeof value !== "object" && column.kind === "set";
    return [name, compare, encodeColumn(member ? [value] : value, column)];
  });
}

export const conditionText = (condition: Condition): string =>
  typeof condition === "boolean"
    ? String(condition)
    : `${condition[0]} ${condition[1]} ${columnValueText(condition[2])}`;
