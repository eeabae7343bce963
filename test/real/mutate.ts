// Turns a JSON message into one that no honest server sends: well-formed with a wrong value somewhere, or broken as
// text.

import type { SeededRandom } from "./random.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const uuid = "00000000-0000-4000-8000-000000000001";

/**
 * Nesting that `JSON.stringify` would take milliseconds for. This word stands for it in the tree, and is replaced as
 * text.
 */
const deepWord = "\u0001deep";
const deepText = `${"[".repeat(2000)}${"]".repeat(2000)}`;

const strange: readonly (() => Json)[] = [
  () => null,
  () => true,
  () => -1,
  () => 1e308,
  () => Number.MAX_SAFE_INTEGER + 2,
  () => "",
  () => "\ud800\u0000\u2028",
  () => "x".repeat(5000),
  () => [],
  () => ({}),
  () => ["set", [["set", []], null, 7]],
  () => ["map", [["a"], ["a", "b", "c"], 3]],
  () => ["uuid", 7],
  () => ["uuid", uuid],
  () => ["named-uuid", "a"],
  () => JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'),
  () => ({ insert: null, modify: {}, delete: 0, initial: [] }),
  () => ({ error: { error: [] }, details: 5 }),
  () => deepWord,
];

/** The bytes of a mutated `message`. */
export function mutated(message: unknown, random: SeededRandom): Buffer {
  const text = JSON.stringify(message);
  if (random.next() < 0.9) {
    const tree: { root: Json } = { root: JSON.parse(text) };
    const count = 1 + random.below(2);
    for (let index = 0; index < count; index++) mutatePlace(tree, random);
    return Buffer.from(JSON.stringify(tree.root).replaceAll(JSON.stringify(deepWord), deepText));
  }
  const bytes = Buffer.from(text);
  const at = random.below(bytes.length);
  switch (random.below(5)) {
    case 0:
      bytes[at] = random.below(256);
      return bytes;
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.below(256)]), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(bytes.length))]);
    default:
      return Buffer.from("{".repeat(1 + random.below(3000)));
  }
}

/** Walks down from the root at random, and changes what it arrives at. */
function mutatePlace(tree: { [key: string]: Json }, random: SeededRandom): void {
  let parent: { [key: string]: Json } | Json[] = tree;
  let key: string | number = "root";
  for (;;) {
    const value: Json | undefined = Array.isArray(parent) ? parent[Number(key)] : parent[key];
    if (typeof value !== "object" || value === null || random.next() < 0.2) break;
    const keys: (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
    if (keys.length === 0) break;
    parent = value;
    key = random.pick(keys);
  }
  const how = random.next();
  if (Array.isArray(parent)) {
    if (how < 0.2) parent.splice(Number(key), 1);
    else if (how < 0.4) parent.push(random.pick(strange)());
    else parent[Number(key)] = random.pick(strange)();
  } else if (how < 0.3 && key !== "root") {
    const value = parent[key] ?? null;
    delete parent[key];
    if (how < 0.15)
      parent[random.pick(["", "id", "method", "error", "_uuid", "hasOwnProperty", uuid])] = value;
  } else parent[key] = random.pick(strange)();
}
