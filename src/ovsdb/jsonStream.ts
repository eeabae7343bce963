// Cuts a stream of bytes into JSON messages. Messages of usual size are found by scanning and parsed at once;
// larger ones are parsed while they arrive (jsonOutline.ts), so that no message stalls the event loop.

import { OvsdbError } from "./errors.ts";
import { parseExactly } from "./exactJson.ts";
import { JsonOutline } from "./jsonOutline.ts";
import { isSpace, JsonScanner } from "./jsonScanner.ts";

/** Parsing this much at once takes about a millisecond. */
const largeBytes = 128 * 1024;
const openBrace = 0x7b;

export class JsonStream {
  readonly #maxMessageBytes: number;
  #scanner = new JsonScanner();
  /** What has arrived of the current message: its bytes, or, once it is large, its outline. */
  #pending: Uint8Array[] = [];
  #outline: JsonOutline | undefined;
  #messageBytes = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** The messages that `bytes` completes. Throws an `OvsdbError` "protocol error" if one is not a JSON object. */
  push(bytes: Uint8Array): unknown[] {
    const messages: unknown[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#messageBytes === 0) {
        if (isSpace(bytes[at])) {
          at++;
          continue;
        }
        if (bytes[at] !== openBrace) throw new OvsdbError("protocol error", "message is not a JSON object");
      }
      const end = this.#outline ? this.#outline.push(bytes, at) : this.#scanner.scan(bytes, at);
      const piece = bytes.subarray(at, end < 0 ? bytes.length : end);
      this.#messageBytes += piece.length;
      if (this.#messageBytes > this.#maxMessageBytes)
        throw new OvsdbError("protocol error", `message of more than ${this.#maxMessageBytes} bytes`);
      if (!this.#outline) this.#pending.push(piece);
      if (end < 0) {
        this.#outlineLarge();
        break;
      }
      messages.push(this.#take());
      at = end;
    }
    return messages;
  }

  /** The message that is complete now. */
  #take(): unknown {
    const pending = this.#pending;
    const outline = this.#outline;
    this.#pending = [];
    this.#outline = undefined;
    this.#messageBytes = 0;
    if (outline) return outline.value;
    const text = pending.length === 1 && pending[0] ? pending[0] : Buffer.concat(pending);
    return parseExactly(Buffer.from(text.buffer, text.byteOffset, text.length).toString());
  }

  #outlineLarge(): void {
    if (this.#outline || this.#messageBytes <= largeBytes) return;
    this.#scanner = new JsonScanner();
    this.#outline = new JsonOutline();
    for (const piece of this.#pending) this.#outline.push(piece, 0);
    this.#pending = [];
  }
}
