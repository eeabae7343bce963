// What to compare: a row, or some members of it.

import { Part } from "../desired/part.ts";
import type { Change } from "./change.ts";

export interface RowName {
  readonly table: string;
  readonly uuid: string;
}

export interface Look extends RowName {
  readonly part: Part;
}

export const wholeRow = ({ table, uuid }: RowName): Look => ({ table, uuid, part: Part.whole() });

/** A look at the row or member that `change` is about. */
export function lookAt(change: Change): Look {
  const { table, uuid } = change;
  if (change.kind === "member") return { table, uuid, part: new Part().add(change.column.name, change.key) };
  if (change.kind === "impossible" && change.member)
    return { table, uuid, part: new Part().add(change.member.column, change.member.key) };
  return wholeRow(change);
}
