import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, deflateRawSync } from "node:zlib";
import { unzip } from "./zip.ts";

/** An archive as `zip` writes it when it streams: sizes only in the central directory. */
function zip(files: ReadonlyMap<string, { readonly content: Buffer; readonly deflate: boolean }>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, { content, deflate }] of files) {
    const data = deflate ? deflateRawSync(content) : content;
    const method = deflate ? 8 : 0;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc32(content), 16);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(3, 30);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, Buffer.from(name), Buffer.from("xyz"));
    const part = Buffer.concat([local, Buffer.from(name), data]);
    parts.push(part);
    offset += part.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.size, 10);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

const text = Buffer.from("weft ".repeat(100));
const archive = zip(
  new Map([
    ["plain", { content: Buffer.from("as it is"), deflate: false }],
    ["a/packed", { content: text, deflate: true }],
  ]),
);

test("a file comes out as it went in, packed or not", () => {
  assert.deepEqual(unzip(archive, "plain"), Buffer.from("as it is"));
  assert.deepEqual(unzip(archive, "a/packed"), text);
});

test("a file that is not in the archive is undefined", () => {
  assert.equal(unzip(archive, "packed"), undefined);
});

test("a damaged archive is an error", () => {
  assert.throws(() => unzip(archive.subarray(0, 40), "plain"), /not a ZIP archive/);
  const broken = Buffer.from(archive);
  broken.writeUInt32LE(7, 0);
  assert.throws(() => unzip(broken, "plain"), /damaged ZIP archive at byte 0/);
});
