// Names in generated code for names in schemas. Many of those are not valid in TypeScript, or map to the same name.

/** Words that cannot be names of variables in a module. */
const reserved = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in instanceof interface let new null package private protected " +
    "public return static super switch this throw true try typeof var void while with yield"
  ).split(" "),
);

/** The name of the constant for a file: `ovn-nb` ▶ `ovnNb`. */
export function constantName(file: string): string {
  const [first = "", ...others] = file.split(/[^\w$]+/).filter((part) => part !== "");
  const name = notDigit(first + others.map(capitalized).join(""));
  return reserved.has(name) ? `${name}_` : name;
}

/** The names of the types for each table, without duplicates: `Logical_Switch_Port` ▶ `LogicalSwitchPort`. */
export function tableTypeNames(tables: Iterable<string>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const table of tables) {
    let name = notDigit(table.split("_").map(capitalized).join(""));
    while (taken.has(name)) name += "_";
    taken.add(name);
    names.set(table, name);
  }
  return names;
}

export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const notDigit = (name: string): string => (/^[A-Za-z_$]/.test(name) ? name : `_${name}`);
