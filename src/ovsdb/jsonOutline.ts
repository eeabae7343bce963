// Parses one large JSON value while it arrives. The outer levels are taken apart here, and everything below goes to
// JSON.parse piece by piece: in a 60 MB reply to `monitor` a piece is a row. So no stall is longer than one chunk.
// For an object that becomes large (largeObject.ts) the pieces are only located, and parsed when they are taken.

import { OvsdbError } from "./errors.ts";
import { parseExactly } from "./exactJson.ts";
import { isSpace, JsonScanner } from "./jsonScanner.ts";
import { LargeObject, maxObjectMembers } from "./largeObject.ts";

/** The levels taken apart here: message, result, tables, rows. */
const outlineDepth = 4;

/** Limits on the memory that one message can take, whatever its sender makes of it. */
export interface OutlineLimits {
  /**
   * The size of a value that is parsed at once: far larger than any real row, and small enough for what JSON.parse
   * makes of it.
   */
  readonly maxPieceBytes: number;
  /** Rows, and everything outside rows. A message might be nothing but `[],[],[],…`. */
  readonly maxValues: number;
}

const usualLimits: OutlineLimits = { maxPieceBytes: 32 * 1024 ** 2, maxValues: 5_000_000 };

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** An unfinished container; `key` is the member of `object` that is being read. */
type Open =
  | { readonly array: unknown[] }
  | { readonly object: Record<string, unknown>; large?: LargeObject; members: number; key: string };

type Expected = "value" | "value or end" | "key" | "key or end" | "colon" | "comma or end";

export class JsonOutline {
  readonly #stack: Open[] = [];
  readonly #scanner = new JsonScanner();
  /** Bytes of a piece that began in an earlier chunk; undefined between pieces. */
  #piece: Uint8Array[] | undefined;
  #pieceBytes = 0;
  #values = 0;
  readonly #limits: OutlineLimits;
  #expected: Expected = "value";
  #value: unknown;

  constructor(limits = usualLimits) {
    this.#limits = limits;
  }

  /** The value, once `push` has reported that it is complete. */
  get value(): unknown {
    return this.#value;
  }

  /** Takes the bytes from index `from` on. Returns the index after the value's last byte, or -1 when more is needed. */
  push(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at];
      if (this.#piece) {
        const end = this.#scanner.scan(bytes, at);
        const part = bytes.subarray(at, end < 0 ? bytes.length : end);
        this.#piece.push(part);
        this.#pieceBytes += part.length;
        if (this.#pieceBytes > this.#limits.maxPieceBytes)
          throw new OvsdbError("protocol error", `a value of more than ${this.#limits.maxPieceBytes} bytes`);
        if (end < 0) return -1;
        at = end;
        this.#endPiece(this.#piece);
      } else if (isSpace(byte)) at++;
      else if (this.#beginsPiece(byte)) this.#piece = [];
      else {
        this.#punctuation(byte);
        at++;
      }
      if (this.#stack.length === 0 && !this.#piece) return at;
    }
    return -1;
  }

  /** Whether `byte` begins something for JSON.parse: a key, a plain value, or a container below the outer levels. */
  #beginsPiece(byte: number | undefined): boolean {
    const opens = byte === openBrace || byte === openBracket;
    switch (this.#expected) {
      case "key":
      case "key or end":
        return byte === quote;
      case "value or end":
        return byte !== closeBracket && (!opens || this.#stack.length >= outlineDepth);
      case "value":
        return !opens || this.#stack.length >= outlineDepth;
      case "colon":
      case "comma or end":
        return false;
    }
  }

  #punctuation(byte: number | undefined): void {
    const open = this.#stack.at(-1);
    const inArray = open !== undefined && "array" in open;
    switch (this.#expected) {
      case "value":
      case "value or end":
        if (byte === openBrace)
          return this.#open({ object: Object.create(null), members: 0, key: "" }, "key or end");
        if (byte === openBracket) return this.#open({ array: [] }, "value or end");
        break;
      case "colon":
        if (byte === colon) return this.#expect("value");
        break;
      case "comma or end":
        if (byte === comma) return this.#expect(inArray ? "value" : "key");
        break;
      case "key":
      case "key or end":
        break;
    }
    if (!open || !this.#expected.endsWith("or end") || byte !== (inArray ? closeBracket : closeBrace))
      throw new OvsdbError("protocol error", `malformed JSON: expected ${this.#expected}`);
    this.#stack.pop();
    this.#place("array" in open ? open.array : (open.large ?? open.object));
  }

  #expect(expected: Expected): void {
    this.#expected = expected;
  }

  #open(container: Open, expected: Expected): void {
    this.#stack.push(container);
    this.#expected = expected;
  }

  #endPiece(pieces: readonly Uint8Array[]): void {
    this.#piece = undefined;
    this.#pieceBytes = 0;
    const open = this.#stack.at(-1);
    if (open && "object" in open && open.large && this.#expected === "value") {
      open.large.addText(open.key, pieces);
      this.#placed();
      return;
    }
    const [only] = pieces;
    const value: unknown = parseExactly(textOf(pieces.length === 1 && only ? only : Buffer.concat(pieces)));
    if (open && "object" in open && this.#expected.startsWith("key") && typeof value === "string") {
      open.key = value;
      this.#expected = "colon";
    } else this.#place(value);
  }

  /** Puts a finished value where it belongs. */
  #place(value: unknown): void {
    const open = this.#stack.at(-1);
    if (!open) this.#value = value;
    else if ("array" in open) open.array.push(value);
    else if (open.large) open.large.add(open.key, value);
    else {
      open.object[open.key] = value;
      if (++open.members >= maxObjectMembers) open.large = new LargeObject(open.object);
    }
    this.#placed();
  }

  #placed(): void {
    if (++this.#values > this.#limits.maxValues)
      throw new OvsdbError("protocol error", `message of more than ${this.#limits.maxValues} values`);
    this.#expected = "comma or end";
  }
}

/** A view instead of a copy, because `toString` exists only on a Buffer. */
const textOf = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString();
