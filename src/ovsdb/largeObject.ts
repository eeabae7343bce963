// A JSON object with very many members. As a JavaScript object, listing a million keys or making room for more would
// block the event loop for hundreds of milliseconds. Here the members stay text, outside the heap, until they are
// taken, so that the garbage collector does not have to move them. Made by jsonOutline.ts.

import { OvsdbError } from "./errors.ts";
import { parseExactly } from "./exactJson.ts";

/** Up to here an object stays an object. */
export const maxObjectMembers = 10_000;

/** Members are parsed together until there are this many of them or this much text, which takes about a millisecond. */
const blockMembers = 256;
const blockBytes = 64 * 1024;

type Block =
  | { readonly keys: readonly string[]; readonly values: readonly unknown[] }
  /** The text of a JSON array of values. */
  | { readonly keys: readonly string[]; readonly text: Buffer };

const comma = Buffer.from(",");
const openBracket = Buffer.from("[");
const closeBracket = Buffer.from("]");

export class LargeObject {
  #blocks: Block[];
  /** The block that is being filled. */
  #keys: string[] = [];
  #text: Uint8Array[] = [];
  #textBytes = 0;

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#blocks = [{ keys: Object.keys(members), values: Object.values(members) }];
  }

  add(key: string, value: unknown): void {
    this.#endBlock();
    this.#blocks.push({ keys: [key], values: [value] });
  }

  /** Adds the value whose JSON text is `pieces`. Errors in the text show up when the value is taken. */
  addText(key: string, pieces: readonly Uint8Array[]): void {
    this.#text.push(this.#keys.length === 0 ? openBracket : comma, ...pieces);
    this.#keys.push(key);
    for (const piece of pieces) this.#textBytes += piece.length;
    if (this.#keys.length >= blockMembers || this.#textBytes >= blockBytes) this.#endBlock();
  }

  /** The members in order. Each is released as it is taken. */
  *take(): Generator<readonly [key: string, value: unknown]> {
    this.#endBlock();
    const blocks = this.#blocks.toReversed();
    this.#blocks = [];
    for (let block = blocks.pop(); block; block = blocks.pop()) {
      const values = valuesOf(block);
      for (const [at, key] of block.keys.entries()) yield [key, values[at]];
    }
  }

  #endBlock(): void {
    if (this.#keys.length === 0) return;
    this.#blocks.push({ keys: this.#keys, text: Buffer.concat([...this.#text, closeBracket]) });
    this.#keys = [];
    this.#text = [];
    this.#textBytes = 0;
  }
}

function valuesOf(block: Block): readonly unknown[] {
  if ("values" in block) return block.values;
  const values: unknown = parseExactly(block.text.toString());
  if (Array.isArray(values) && values.length === block.keys.length) return values;
  throw new OvsdbError("protocol error", "malformed JSON: a member without value");
}

/** The members of any object of a message, one by one. */
export function* membersOf(object: object): Generator<readonly [key: string, value: unknown]> {
  if (object instanceof LargeObject) yield* object.take();
  else for (const member of Object.entries(object)) yield member;
}
