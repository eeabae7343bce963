// Watch streams are JSON objects, one per line. Chunks of bytes go in and whole lines come out; a line cut off by the
// end of the stream never does.

import { KubeError } from "./error.ts";

/** Far more than etcd stores for one object (1.5 MiB), but still a limit. */
const maxLineBytes = 16 * 1024 * 1024;

export class Lines {
  /** The pieces of the unfinished line. Bytes, because a chunk may end inside a character. */
  #pieces: Buffer[] = [];
  #size = 0;

  *push(chunk: Buffer): Generator<string, void> {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = this.#lineUpTo(chunk, from, end);
      from = end + 1;
      if (line.trim() !== "") yield line;
    }
    if (from === chunk.length) return;
    this.#pieces.push(chunk.subarray(from));
    this.#size += chunk.length - from;
    if (this.#size > maxLineBytes) {
      throw new KubeError(`a line of the watch is longer than ${maxLineBytes} bytes`, {
        status: 200,
        reason: "TooLarge",
      });
    }
  }

  #lineUpTo(chunk: Buffer, from: number, end: number): string {
    if (this.#size === 0) return chunk.toString("utf8", from, end);
    const line = Buffer.concat([...this.#pieces, chunk.subarray(from, end)]);
    this.#pieces = [];
    this.#size = 0;
    return line.toString("utf8");
  }
}
