// Finds where a JSON value ends in a stream of bytes, without parsing it. It can work on bytes, because in UTF-8 no
// byte of a longer character looks like a quote, a backslash or a bracket.

const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

export const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

export class JsonScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;

  /**
   * Returns the index after the value's last byte, or -1 when the value continues in the next chunk. The first call
   * starts at the value's first byte, the following ones at the start of each further chunk. Afterwards the scanner
   * is ready for another value.
   */
  scan(bytes: Uint8Array, from: number): number {
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) {
          inString = false;
          if (depth === 0) return this.#ended(at + 1);
        }
      } else if (byte === quote) inString = true;
      else if (byte === openBrace || byte === openBracket) depth++;
      else if (byte === closeBrace || byte === closeBracket) {
        // At depth 0 the bracket does not belong to the value: the value was a number or a word, and the container
        // around it ends.
        if (depth <= 1) return this.#ended(depth === 1 ? at + 1 : at);
        depth--;
      } else if (depth === 0 && (byte === comma || isSpace(byte))) return this.#ended(at);
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    return -1;
  }

  #ended(at: number): number {
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    return at;
  }
}
