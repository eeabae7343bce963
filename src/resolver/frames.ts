// Messages of DNS in a stream: each has its length before it, in two bytes (RFC 1035, 4.2.2).

export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Puts the parts of one stream together. */
export class Frames {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** The messages that are complete with this part. */
  take(part: Buffer): readonly Buffer[] {
    this.#parts.push(part);
    this.#bytes += part.length;
    const messages: Buffer[] = [];
    // Joined only when a message may be complete, or a stream in single bytes would be copied over and over.
    while (this.#bytes >= this.#wanted()) {
      const all = this.#joined();
      const end = 2 + all.readUInt16BE(0);
      messages.push(all.subarray(2, end));
      this.#parts = [all.subarray(end)];
      this.#bytes -= end;
    }
    return messages;
  }

  #wanted(): number {
    if (this.#bytes < 2) return 2;
    if ((this.#parts[0]?.length ?? 0) < 2) this.#joined();
    return 2 + (this.#parts[0]?.readUInt16BE(0) ?? 0);
  }

  #joined(): Buffer {
    const all = Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }
}
