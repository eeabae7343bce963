// What is wanted of one row: its columns, if an owner wants the row itself, and members of its set and map columns,
// which any owner may want. A row may have only members: a pod's port in a switch that belongs to its node.

import type { Atom, ColumnValue } from "../model/fact.ts";
import type { Owner } from "../model/owner.ts";
import type { Slot } from "./slot.ts";

export type Columns = ReadonlyMap<string, ColumnValue>;

export class DesiredRow {
  readonly table: string;
  readonly uuid: string;
  /** Set while an owner wants the row. */
  row: Slot<Columns> | undefined;
  /** column -> member (of a set) or key (of a map) -> member or value; of most rows nobody states a member */
  #members: Map<string, Map<Atom, Slot<Atom>>> | undefined;

  constructor(table: string, uuid: string) {
    this.table = table;
    this.uuid = uuid;
  }

  /** The wanted columns; undefined when nobody wants the row itself. */
  get columns(): Columns | undefined {
    return this.row?.value;
  }

  /** The owners that want the row itself. */
  get owners(): readonly Owner[] {
    return this.row?.owners ?? [];
  }

  /** The columns that have member facts. */
  get memberColumns(): Iterable<string> {
    return this.#members?.keys() ?? [];
  }

  /** The wanted members of a set column (each mapped to itself), or entries of a map column. */
  members(column: string): ReadonlyMap<Atom, Slot<Atom>> | undefined {
    return this.#members?.get(column);
  }

  member(column: string, key: Atom): Slot<Atom> | undefined {
    return this.#members?.get(column)?.get(key);
  }

  setMember(column: string, key: Atom, slot: Slot<Atom>): void {
    this.#members ??= new Map();
    const members = this.#members.get(column);
    if (members) members.set(key, slot);
    else this.#members.set(column, new Map([[key, slot]]));
  }

  deleteMember(column: string, key: Atom): void {
    const members = this.#members?.get(column);
    members?.delete(key);
    if (members?.size === 0) this.#members?.delete(column);
    if (this.#members?.size === 0) this.#members = undefined;
  }

  /** Whether nobody wants anything of the row. */
  get empty(): boolean {
    return this.row === undefined && this.#members === undefined;
  }
}
