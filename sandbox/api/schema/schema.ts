// Reads the tables of API types beside it. One table serves four uses: checking JSON bodies, decoding the protobuf
// bodies of kubectl's generators, finding unknown fields, and knowing how a strategic merge patch joins two lists.
//
// A line is `Type: field, field, …` (continued on indented lines), a field `NUMBER NAME TYPE MARK…`. TYPE is `[]T` for a
// list, `{}T` for a map and `...T` where T's fields stand in this object itself; the type `json` is not looked into.
// Marks: `key=NAME` a list merged by that key, `merge` a list of scalars merged as a set, `retainKeys` as in Kubernetes.

import { coreTypes } from "./core.ts";
import { groupTypes } from "./groups.ts";
import { podTypes } from "./pod.ts";

export interface Field {
  readonly number: number;
  readonly name: string;
  readonly type: string;
  readonly shape: "one" | "list" | "map" | "inline";
  readonly mergeKey: string | undefined;
  readonly mergeScalars: boolean;
}

export interface MessageType {
  readonly name: string;
  /** The fields as in protobuf, where an inline type is a message of its own. */
  readonly byNumber: ReadonlyMap<number, Field>;
  /** The fields as in JSON, where the fields of inline types are among the others. */
  readonly byName: ReadonlyMap<string, Field>;
}

export type Schema = ReadonlyMap<string, MessageType>;

function parseSchema(text: string): Schema {
  const lines = text.replaceAll(/\n +/g, " ").split("\n").filter(Boolean);
  const fields = new Map(lines.map(parseLine));
  const named = (list: readonly Field[]): readonly Field[] =>
    list.flatMap((field) => (field.shape === "inline" ? named(fields.get(field.type) ?? []) : [field]));
  return new Map(
    [...fields].map(([name, list]) => [
      name,
      {
        name,
        byNumber: new Map(list.map((field) => [field.number, field])),
        byName: new Map(named(list).map((field) => [field.name, field])),
      },
    ]),
  );
}

function parseLine(line: string): [string, readonly Field[]] {
  const [name = "", fields = ""] = line.split(": ");
  return [name, fields.split(", ").map(parseField)];
}

const shapes = { "": "one", "[]": "list", "{}": "map", "...": "inline" } as const;

function parseField(text: string): Field {
  const parts = /^(\d+) (\w+) (\[\]|\{\}|\.\.\.|)(\w+)((?: [\w=]+)*)$/.exec(text);
  const [, number = "", name = "", prefix = "", type = "", marks = ""] = parts ?? [];
  if (!parts || !isPrefix(prefix)) throw new Error(`schema: not a field: ${text}`);
  return {
    number: Number(number),
    name,
    type,
    shape: shapes[prefix],
    mergeKey: / key=(\w+)/.exec(marks)?.[1],
    mergeScalars: / merge\b/.test(marks),
  };
}

const isPrefix = (text: string): text is keyof typeof shapes => text in shapes;

export const schema: Schema = parseSchema(coreTypes + podTypes + groupTypes);
