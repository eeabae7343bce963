// Row identities are computed, never looked up: UUIDv5 (RFC 9562, section 5.5) over cluster, table and natural key.
// Two writers, or one writer before and after a crash, give the same thing the same row.

import { hash } from "node:crypto";

/**
 * The namespace of all of Weft's rows: UUIDv5 of the DNS name `weft.io`. Changing it orphans every row ever written.
 */
const weftNamespace = Buffer.from(
  uuidv5(Buffer.from("6ba7b8109dad11d180b400c04fd430c8", "hex"), "weft.io").replaceAll("-", ""),
  "hex",
);

/** The UUID of the row of `table` for `key` in `cluster`. */
export const rowUuid = (cluster: string, table: string, key: string): string =>
  uuidv5(weftNamespace, `${cluster}\0${table}\0${key}`);

function uuidv5(namespace: Buffer, name: string): string {
  const hex = hash("sha1", Buffer.concat([namespace, Buffer.from(name)]), "hex");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
