// What a column's schema says about the values in it, beyond their type: how many there may be, ranges, lengths,
// enumerations. Checked by the schema of the server that a row goes to, before anything is sent, so that the message
// can name all of the rule. Reals are left to the server, because it prints its own limits with 15 digits.

import { type Atom, type ColumnValue, columnValueText, isMapValue, isSetValue } from "./columnValue.ts";
import { OvsdbError } from "./errors.ts";
import type { BaseType, ColumnSchema } from "./schema.ts";

/** Throws an `OvsdbError` "constraint violation" if a row may not have `value` in `column`. */
export function checkConstraints(value: ColumnValue, column: ColumnSchema): void {
  if (isMapValue(value)) {
    checkSize(value.size, column, "entries");
    checkAtoms(value.keys(), column.key);
    if (column.value) checkAtoms(value.values(), column.value);
  } else if (isSetValue(value)) {
    checkSize(value.length, column, "members");
    if (new Set(value).size < value.length) throw violation("a member is twice in the set");
    checkAtoms(value, column.key);
  } else if (value !== undefined) checkAtoms([value], column.key);
}

function checkSize(size: number, { min, max }: ColumnSchema, what: string): void {
  if (size >= min && size <= max) return;
  const range = Number.isFinite(max) ? `${min} to ${max}` : `at least ${min}`;
  throw violation(`${size} ${what}, where ${range} are allowed`);
}

/** Throws if one of `atoms` is not allowed by `base`. */
function checkAtoms(atoms: Iterable<Atom>, base: BaseType): void {
  const { type, enum: members, minimum, maximum } = base;
  if (type === "real" || (!members && minimum === undefined && maximum === undefined)) return;
  for (const atom of atoms) {
    if (members && !members.includes(atom))
      throw violation(`${String(atom)} is not one of the allowed values ${members.map(String).join(", ")}`);
    if (typeof atom === "boolean") continue;
    const size = typeof atom === "string" ? charactersIn(atom) : atom;
    if ((minimum !== undefined && size < minimum) || (maximum !== undefined && size > maximum))
      throw violation(
        `${columnValueText(atom)} is not ${type === "string" ? "as long as" : "in the range"} ${minimum ?? "…"} to ${maximum ?? "…"}${type === "string" ? " characters" : ""}`,
      );
  }
}

const violation = (message: string): OvsdbError => new OvsdbError("constraint violation", message);

/** As the server counts them: a surrogate pair is one. */
const charactersIn = (text: string): number => Array.from(text).length;
