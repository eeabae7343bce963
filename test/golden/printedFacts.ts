// Facts as text that people review: rows by name, references by the name of their target.

import type { Atom, ColumnValue, Fact, MemberFact, RowFact } from "../../src/model/fact.ts";
import { ownership } from "../../src/model/names.ts";

/** `known` are facts of any plan, for the names of the rows that `facts` refer to. */
export function printedFacts(facts: readonly Fact[], known: Iterable<Fact>): string {
  const names = new Map<string, string>();
  for (const fact of known) if (fact.kind === "row") names.set(fact.uuid, `${fact.table} ${nameOf(fact)}`);
  const print = (fact: Fact): string => (fact.kind === "row" ? printRow(fact) : printMember(fact, names));
  return facts.map(print).join("\n");
}

function printRow({ table, columns, ...fact }: RowFact): string {
  const lines = [...columns].flatMap(([name, value]) => printColumn(name, value));
  return [`${table} ${nameOf({ table, columns, ...fact })}`, ...lines].join("\n  ");
}

/** The name of the row. A rule without a name goes by its content. */
function nameOf({ columns }: RowFact): string {
  const said = [
    "name",
    "logical_port",
    "policy",
    "ip_prefix",
    "type",
    "logical_ip",
    "priority",
    "match",
    "ip",
  ];
  const named = said.slice(0, columns.has("name") ? 1 : said.length);
  return named
    .flatMap((column) => (columns.has(column) ? printValue(columns.get(column) ?? "") : []))
    .join(" ");
}

function printColumn(name: string, value: ColumnValue): readonly string[] {
  if (name === "name") return [];
  if (name !== "external_ids" || !(value instanceof Map)) return [`${name} = ${printValue(value)}`];
  // facts.test.ts checks once that the marks are there.
  const others = new Map([...value].filter(([key]) => key !== ownership.cluster && key !== ownership.owner));
  return others.size > 0 ? [`${name} = ${printValue(others)}`] : [];
}

function printMember(
  { table, uuid, column, key, value }: MemberFact,
  names: ReadonlyMap<string, string>,
): string {
  const nameOfUuid = (atom: Atom): string => names.get(String(atom)) ?? JSON.stringify(atom);
  const entry = key === undefined ? "" : `${nameOfUuid(key)}: `;
  return `${names.get(uuid) ?? `${table} ?`} ${column} += ${entry}${nameOfUuid(value)}`;
}

function printValue(value: ColumnValue): string {
  if (value instanceof Map) return `{ ${[...value].map(([k, v]) => `${k}: ${v}`).join(", ")} }`;
  return typeof value === "object" ? `[ ${[...value.values()].join(", ")} ]` : String(value);
}
