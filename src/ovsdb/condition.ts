// Conditions that choose rows (RFC 7047, section 5.1, with the booleans that ovsdb-server(7) adds). In operations a
// row must meet all of them, in monitors one is enough.

import { encodeColumn, isUuid } from "./codec.ts";
import { type Atom, columnValueText, type Integer } from "./columnValue.ts";
import type { Row } from "./database.ts";
import { OvsdbError } from "./errors.ts";
import type { TableSchema } from "./schema.ts";

type Equality = "==" | "!=" | "includes" | "excludes";
type Order = "<" | "<=" | ">" | ">=";

/** Only single numbers have an order. */
type Comparison<V> = NonNullable<V> extends Integer ? Equality | Order : Equality;

/** What a column of type `V` can be compared with. Of a set one member will do, and of an optional column no member. */
type Compared<V> =
  V extends ReadonlyMap<Atom, Atom>
    ? V
    : V extends readonly (infer Member)[]
      ? V | Member
      : V extends undefined
        ? readonly []
        : V | readonly [V];

type AnyCondition = readonly [
  column: string,
  compare: Equality | Order,
  value: Atom | readonly Atom[] | ReadonlyMap<Atom, Atom>,
];

/**
 * A condition on a column, `["priority", ">=", 100]`, or a constant: every row meets `true`, none meets `false`. `R` is
 * the type of the rows.
 */
export type Condition<R = Row> =
  | boolean
  | (string extends keyof R
      ? AnyCondition
      : {
          [C in keyof R & string]: readonly [column: C, compare: Comparison<R[C]>, value: Compared<R[C]>];
        }[keyof R & string]);

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
