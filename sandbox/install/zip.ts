// Extracts one file from a ZIP archive (PKWARE APPNOTE 6.3.10), so that unzip need not be installed for it. Sizes come
// from the central directory, because local headers may leave them to a record after the data. No ZIP64.

import { inflateRawSync } from "node:zlib";

const signature = { end: 0x06054b50, entry: 0x02014b50, local: 0x04034b50 } as const;

/** The content of the file `name`, or undefined when the archive has no such file. Throws when the archive is damaged. */
export function unzip(archive: Buffer, name: string): Buffer | undefined {
  const end = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0) throw new Error("not a ZIP archive: it has no end record");
  const entries = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < entries; index++) {
    expect(archive, at, signature.entry);
    const nameLength = archive.readUInt16LE(at + 28);
    if (archive.toString("utf8", at + 46, at + 46 + nameLength) === name) return content(archive, at);
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return undefined;
}

function content(archive: Buffer, entry: number): Buffer {
  const method = archive.readUInt16LE(entry + 10);
  const size = archive.readUInt32LE(entry + 20);
  const local = archive.readUInt32LE(entry + 42);
  expect(archive, local, signature.local);
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const data = archive.subarray(start, start + size);
  if (method === 0) return Buffer.from(data);
  if (method === 8) return inflateRawSync(data);
  throw new Error(`ZIP compression method ${method} is not known here`);
}

function expect(archive: Buffer, at: number, wanted: number): void {
  if (archive.readUInt32LE(at) !== wanted) throw new Error(`damaged ZIP archive at byte ${at}`);
}
