// The few forms of DER (ITU-T X.690) that a certificate is made of. Node can read certificates and make keys and
// signatures, but not certificates.

/** The encoding of one value: tag, length, content. */
export type Der = Buffer;

export const sequence = (...parts: readonly Uint8Array[]): Der => tagged(0x30, ...parts);
export const setOf = (...parts: readonly Uint8Array[]): Der => tagged(0x31, ...parts);
export const octets = (content: Uint8Array): Der => tagged(0x04, content);
export const text = (content: string): Der => tagged(0x0c, Buffer.from(content, "utf8"));
export const boolean = (value: boolean): Der => tagged(0x01, Uint8Array.of(value ? 0xff : 0));

/** `[number]` around a whole value. */
export const explicit = (number: number, value: Uint8Array): Der => tagged(0xa0 + number, value);
/** `[number]` in place of the tag of a value that has no parts. */
export const implicit = (number: number, content: Uint8Array): Der => tagged(0x80 + number, content);

/** Not negative; big-endian. */
export function integer(bytes: Uint8Array): Der {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  // A leading one bit would be a minus.
  return tagged(0x02, ...((digits[0] ?? 0) > 0x7f ? [Uint8Array.of(0)] : []), digits);
}

/** Whole bytes, of which the last `unused` bits do not count. */
export const bits = (bytes: Uint8Array, unused = 0): Der => tagged(0x03, Uint8Array.of(unused), bytes);

/** `1.2.840.10045.4.3.2` */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(number: number): readonly number[] {
  const low = [number % 128];
  for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128))
    low.unshift((left % 128) + 128);
  return low;
}

/** As certificates have it: two digits of the year until 2049, four after (RFC 5280, 4.1.2.5). To the second. */
export function time(ms: number): Der {
  const digits = new Date(ms).toISOString().replaceAll(/\.\d+|[-:T]/g, "");
  return Number(digits.slice(0, 4)) < 2050
    ? tagged(0x17, Buffer.from(digits.slice(2), "ascii"))
    : tagged(0x18, Buffer.from(digits, "ascii"));
}

function tagged(tag: number, ...parts: readonly Uint8Array[]): Der {
  const content = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag, ...lengthOf(content)), content]);
}

function lengthOf({ length }: Uint8Array): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return [0x80 + bytes.length, ...bytes];
}
