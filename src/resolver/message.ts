// As much of a DNS message (RFC 1035) as a forwarder has to understand: its head, its one question, and the records of
// addresses and aliases that answer it. Everything else is passed over unread. Messages come from outside and may contain
// anything: what is not exactly as it should be is undefined, and nothing here throws or reads beyond the message.

import type { Ip } from "../model/ip.ts";

export interface Question {
  /** In lower case, without a dot at the end; undefined when it has characters that no name in a policy can have. */
  readonly name: string | undefined;
  readonly type: number;
  /** All of its bytes as they were sent, the type and the class included. */
  readonly bytes: Buffer;
}

export interface Answer {
  /** In the order of the message. */
  readonly aliases: readonly Alias[];
  readonly addresses: readonly AddressRecord[];
}

interface Alias {
  readonly owner: string;
  readonly target: string;
  readonly ttl: number;
}

interface AddressRecord {
  readonly owner: string;
  readonly ip: Ip;
  readonly ttl: number;
}

export const types = { A: 1, CNAME: 5, AAAA: 28, IXFR: 251, AXFR: 252 } as const;
const internet = 1;
const headBytes = 12;
const noError = 0;
const longestName = 255;
/** As many as there are labels in the longest name. */
const mostHops = 127;
/** RFC 2181, 8: a time with the highest bit set is none. */
const longestTtl = 0x7fff_ffff;

export const idOf = (message: Buffer): number | undefined =>
  message.length < headBytes ? undefined : message.readUInt16BE(0);

export const isResponse = (message: Buffer): boolean =>
  message.length >= headBytes && (message.readUInt8(2) & 0x80) !== 0;

/**
 * A question for records. Updates and zone transfers are none: a server may let this resolver's address do more than it would
 * let pods do.
 */
export function isQuery(message: Buffer, { type }: Question): boolean {
  const isStandard = message.length >= headBytes && (message.readUInt8(2) & 0xf8) === 0;
  return isStandard && type !== types.IXFR && type !== types.AXFR;
}

/** A copy with another id. */
export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** Undefined unless there is exactly one. */
export function questionOf(message: Buffer): Question | undefined {
  if (message.length < headBytes || message.readUInt16BE(4) !== 1) return undefined;
  const read = nameAt(message, headBytes);
  // A question is the first thing in a message, so nothing stands before it that it could point to.
  if (!read || read.hasPointer || read.end + 4 > message.length) return undefined;
  return {
    name: read.name,
    type: message.readUInt16BE(read.end),
    bytes: message.subarray(headBytes, read.end + 4),
  };
}

/** A server may repeat the name in another case (RFC 1035, 2.3.3). The type and the class, four bytes, have none. */
export function isSameQuestion({ bytes: a }: Question, { bytes: b }: Question): boolean {
  const nameOf = (bytes: Buffer): string => bytes.toString("latin1", 0, bytes.length - 4).toLowerCase();
  return a.subarray(-4).equals(b.subarray(-4)) && nameOf(a) === nameOf(b);
}

/** Of a whole answer without an error, to this question; undefined for any other message. */
export function answerTo(question: Question, message: Buffer): Answer | undefined {
  const said = questionOf(message);
  if (!said || !isSameQuestion(said, question) || !isResponse(message)) return undefined;
  const isCut = (message.readUInt8(2) & 0x02) !== 0;
  if (isCut || (message.readUInt8(3) & 0x0f) !== noError) return undefined;
  const aliases: Alias[] = [];
  const addresses: AddressRecord[] = [];
  let at = headBytes + said.bytes.length;
  for (let nth = message.readUInt16BE(6); nth > 0; nth--) {
    const owner = nameAt(message, at);
    if (!owner || owner.end + 10 > message.length) return undefined;
    const type = message.readUInt16BE(owner.end);
    const kind = message.readUInt16BE(owner.end + 2);
    const sent = message.readUInt32BE(owner.end + 4);
    const ttl = sent > longestTtl ? 0 : sent;
    const data = owner.end + 10;
    const end = data + message.readUInt16BE(owner.end + 8);
    if (end > message.length) return undefined;
    if (kind === internet && type === types.CNAME) {
      const target = nameAt(message, data);
      if (target?.end !== end) return undefined;
      if (owner.name !== undefined && target.name !== undefined)
        aliases.push({ owner: owner.name, target: target.name, ttl });
    } else if (kind === internet && (type === types.A || type === types.AAAA)) {
      const family = type === types.A ? 4 : 6;
      if (end - data !== (family === 4 ? 4 : 16)) return undefined;
      const value = BigInt(`0x${message.toString("hex", data, end)}`);
      if (owner.name !== undefined) addresses.push({ owner: owner.name, ip: { family, value }, ttl });
    }
    at = end;
  }
  return { aliases, addresses };
}

interface ReadName {
  /** Undefined when it has characters that no name in a policy can have. */
  readonly name: string | undefined;
  /** Behind it, where it began. */
  readonly end: number;
  readonly hasPointer: boolean;
}

/** Pointers may only lead further to the front, so that every name ends. */
function nameAt(message: Buffer, start: number): ReadName | undefined {
  const labels: string[] = [];
  let [at, front, length] = [start, start, 1];
  let end: number | undefined;
  let isPlain = true;
  let hops = 0;
  for (;;) {
    if (at >= message.length || hops > mostHops) return undefined;
    const size = message.readUInt8(at);
    if (size === 0) break;
    if (size >= 0xc0) {
      if (at + 2 > message.length) return undefined;
      const target = message.readUInt16BE(at) & 0x3fff;
      if (target >= front || target < headBytes) return undefined;
      end ??= at + 2;
      [at, front] = [target, target];
      hops++;
      continue;
    }
    length += size + 1;
    if (size > 63 || length > longestName || at + 1 + size > message.length) return undefined;
    const label = message.toString("latin1", at + 1, at + 1 + size).toLowerCase();
    // Also a dot within a label, which would make two of it.
    isPlain &&= /^[-a-z0-9_]+$/.test(label);
    labels.push(label);
    at += size + 1;
  }
  return {
    name: isPlain ? labels.join(".") : undefined,
    end: end ?? at + 1,
    hasPointer: end !== undefined,
  };
}
