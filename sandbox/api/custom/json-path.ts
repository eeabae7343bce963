// The simple JSON paths that printer columns and selectable fields are written in: `.spec.replicas`,
// `.status.conditions[?(@.type=="Ready")].status`, `.spec.ports[0].name`, `.metadata.labels.a\.b`.

import { at, isList, type Json, printed } from "../json.ts";

const step =
  /^(?:\.((?:\\.|[^.[\\])+)|\[(\d+|\*)\]|\['([^']+)'\]|\[\?\(@\.([\w.]+)\s*==\s*(["'])(.*?)\5\)\])/;

/** What is at `path`: the first match, or undefined. */
export function atJsonPath(value: Json | undefined, path: string): Json | undefined {
  let rest = path.startsWith(".") || path.startsWith("[") ? path : `.${path}`;
  let found = [value];
  while (rest !== "") {
    const [whole, name, index, quoted, field, , wanted] = step.exec(rest) ?? [];
    if (whole === undefined) return undefined;
    rest = rest.slice(whole.length);
    const key = quoted ?? name?.replaceAll(/\\(.)/g, "$1");
    found = found.flatMap((one): readonly (Json | undefined)[] => {
      if (key !== undefined) return [at(one, key)];
      if (!isList(one)) return [];
      if (field !== undefined) return one.filter((item) => printed(at(item, ...field.split("."))) === wanted);
      return index === "*" ? one : [one[Number(index)]];
    });
  }
  return found.find((one) => one !== undefined);
}
