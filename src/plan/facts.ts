// The list that a plan fills: rows and members of the northbound database, typed against its generated schema, so that
// a misspelt column or a reference to the wrong table does not compile. Marks every row as Weft's if its table has
// external_ids.

import type { Atom, ColumnValue, Fact } from "../model/fact.ts";
import { ownership } from "../model/names.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";

type Table = keyof NorthboundTables;
type Row<T extends Table> = NorthboundTables[T]["row"];
type Insert<T extends Table> = NorthboundTables[T]["insert"];

/** The UUID of a row of `T`. */
export type RefTo<T extends Table> = Row<T>["_uuid"];

type SetColumn<T extends Table> = {
  [C in keyof Row<T>]: Row<T>[C] extends readonly unknown[] ? C : never;
}[keyof Row<T>];
type ElementOf<S> = S extends readonly (infer E extends Atom)[] ? E : never;

type Unmarked = { [T in Table]: "external_ids" extends keyof Row<T> ? never : T }[Table];

/** The tables without external_ids; the type makes the list exact. */
const unmarked: Readonly<Record<Unmarked, true>> = {
  Load_Balancer_Group: true,
  Static_MAC_Binding: true,
};

export class FactList {
  readonly #scope: Scope;
  readonly #marks: readonly (readonly [string, string])[];
  readonly #facts: Fact[] = [];

  constructor(scope: Scope, owner: Owner) {
    this.#scope = scope;
    this.#marks = [
      [ownership.cluster, scope.cluster],
      [ownership.owner, owner],
    ];
  }

  get facts(): readonly Fact[] {
    return this.#facts;
  }

  /** The UUID of the row of `table` that `key` names, no matter who plans that row. */
  ref<T extends Table>(table: T, key: string): RefTo<T> {
    return rowUuid(this.#scope.cluster, table, key);
  }

  /** States that the row named `key` exists with these columns. Sets are sorted, so that equal plans print equally. */
  row<T extends Table>(table: T, key: string, insert: Insert<T>): RefTo<T> {
    const uuid = this.ref(table, key);
    const columns = new Map<string, ColumnValue>();
    for (const [name, value] of Object.entries<ColumnValue | undefined>(insert)) {
      if (value === undefined) continue;
      columns.set(name, Array.isArray(value) ? value.toSorted(byText) : value);
    }
    if (!(table in unmarked)) {
      const stated = columns.get("external_ids");
      const marked = new Map(stated instanceof Map ? stated : []);
      for (const [key, value] of this.#marks) marked.set(key, value);
      columns.set("external_ids", marked);
    }
    this.#facts.push({ kind: "row", destination: this.#scope.destination, table, uuid, columns });
    return uuid;
  }

  /** States that the set `column` of the row `uuid` has the member `value`. */
  member<T extends Table, C extends SetColumn<T> & string>(
    table: T,
    uuid: RefTo<T>,
    column: C,
    value: ElementOf<Row<T>[C]>,
  ): void {
    this.#facts.push({ kind: "member", destination: this.#scope.destination, table, uuid, column, value });
  }
}

const byText = (a: Atom, b: Atom): number => (String(a) < String(b) ? -1 : 1);

/** A map column from an object literal, without its undefined entries. */
export function mapOf(entries: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const [key, value] of Object.entries(entries)) if (value !== undefined) map.set(key, value);
  return map;
}
