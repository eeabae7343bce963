// Ethernet frames as bytes, well formed whatever they claim: what a pod or a machine would send to impersonate another.

import type { Family } from "../../src/model/ip.ts";
import { parseIp } from "../../src/model/ip.ts";

/** A sender, real or claimed: a MAC and one address of each family. */
export interface Identity {
  readonly mac: string;
  readonly 4: string;
  readonly 6: string;
}

export const broadcast = "ff:ff:ff:ff:ff:ff";
const allNodes = { mac: "33:33:00:00:00:01", ip: "ff02::1" };

const etherType = { arp: 0x0806, 4: 0x0800, 6: 0x86dd, vlan: 0x8100 } as const;
const protocol = { udp: 17, icmp6: 58 } as const;
const typeOf = { routerAdvertisement: 134, neighbourAdvertisement: 136 } as const;
const discardPort = 9;

/** A datagram, to the discard port unless another is given, with `text` in it. `to.mac` is the MAC of the next hop. */
export function datagram(
  family: Family,
  from: Identity,
  to: Identity,
  text: string,
  port = discardPort,
): Buffer {
  const payload = Buffer.from(text);
  const udp = Buffer.concat([words(discardPort, port, 8 + payload.length, 0), payload]);
  udp.writeUInt16BE(checksum(pseudoHeader(from[family], to[family], protocol.udp, udp), udp) || 0xffff, 6);
  return ip(family, from, to.mac, to[family], protocol.udp, udp);
}

/**
 * Says that `claimed` has its address at its MAC, as an answer to `to`, from the card of `from`. A broadcast is
 * gratuitous.
 */
export function arp(from: Identity, claimed: Identity, to: Identity | undefined, text: string): Buffer {
  const body = Buffer.concat([
    words(1, etherType[4], 0x0604, to ? 2 : 1),
    mac(claimed.mac),
    address(claimed[4]),
    mac(to?.mac ?? broadcast),
    address((to ?? claimed)[4]),
  ]);
  return ethernet(to?.mac ?? broadcast, from.mac, etherType.arp, Buffer.concat([body, Buffer.from(text)]));
}

/** The same in IPv6. Without `to` it goes to all. */
export function neighbourAdvertisement(
  from: Identity,
  claimed: Identity,
  to: Identity | undefined,
  text: string,
): Buffer {
  const targetLinkLayerAddress = Buffer.concat([Buffer.from([2, 1]), mac(claimed.mac)]);
  const override = Buffer.from([0x20, 0, 0, 0]);
  const body = Buffer.concat([override, address(claimed[6]), targetLinkLayerAddress]);
  const target = to ? { mac: to.mac, ip: to[6] } : allNodes;
  const icmp = icmp6(typeOf.neighbourAdvertisement, from[6], target.ip, body);
  return Buffer.concat([ip(6, from, target.mac, target.ip, protocol.icmp6, icmp, 255), Buffer.from(text)]);
}

/** Claims to be a router, to all, with a lifetime of half an hour. */
export function routerAdvertisement(from: Identity, text: string): Buffer {
  const body = Buffer.concat([
    Buffer.from([64, 0, 7, 8]),
    Buffer.alloc(8),
    Buffer.from([1, 1]),
    mac(from.mac),
  ]);
  const icmp = icmp6(typeOf.routerAdvertisement, from[6], allNodes.ip, body);
  return Buffer.concat([
    ip(6, from, allNodes.mac, allNodes.ip, protocol.icmp6, icmp, 255),
    Buffer.from(text),
  ]);
}

/** The frame with VLAN tags in front of its payload, the outermost first. */
export function tagged(frame: Buffer, ...tags: readonly number[]): Buffer {
  const headers = tags.map((tag) => words(etherType.vlan, tag));
  return Buffer.concat([frame.subarray(0, 12), ...headers, frame.subarray(12)]);
}

/** The link-local address that goes with a MAC (RFC 4291, appendix A). */
export function linkLocal(of: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac(of);
  const groups = [(a ^ 2) * 256 + b, c * 256 + 0xff, 0xfe00 + d, e * 256 + f];
  return `fe80::${groups.map((group) => group.toString(16)).join(":")}`;
}

function ip(
  family: Family,
  from: Identity,
  toMac: string,
  to: string,
  next: number,
  payload: Buffer,
  hops = 64,
): Buffer {
  const ends = Buffer.concat([address(from[family]), address(to)]);
  if (family === 6) {
    const head = Buffer.concat([words(0x6000, 0, payload.length), Buffer.from([next, hops])]);
    return ethernet(toMac, from.mac, etherType[6], Buffer.concat([head, ends, payload]));
  }
  const head = Buffer.concat([
    words(0x4500, 20 + payload.length, 0, 0),
    Buffer.from([hops, next, 0, 0]),
    ends,
  ]);
  head.writeUInt16BE(checksum(head), 10);
  return ethernet(toMac, from.mac, etherType[4], Buffer.concat([head, payload]));
}

function icmp6(type: number, from: string, to: string, body: Buffer): Buffer {
  const message = Buffer.concat([Buffer.from([type, 0, 0, 0]), body]);
  message.writeUInt16BE(checksum(pseudoHeader(from, to, protocol.icmp6, message), message), 2);
  return message;
}

/** Padded to Ethernet's minimum. */
function ethernet(to: string, from: string, type: number, payload: Buffer): Buffer {
  const frame = Buffer.concat([mac(to), mac(from), words(type), payload]);
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, 60 - frame.length))]);
}

const pseudoHeader = (from: string, to: string, next: number, payload: Buffer): Buffer =>
  Buffer.concat([address(from), address(to), words(0, payload.length, 0, next)]);

/** RFC 1071. */
export function checksum(...parts: readonly Buffer[]): number {
  const bytes = Buffer.concat(parts);
  let sum = 0;
  for (const [index, byte] of bytes.entries()) sum += index % 2 === 0 ? byte * 256 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

export function address(text: string): Buffer {
  const found = parseIp(text);
  if (!found) throw new Error(`no address: ${text}`);
  return Buffer.from(found.value.toString(16).padStart(found.family === 4 ? 8 : 32, "0"), "hex");
}

const mac = (text: string): Buffer => Buffer.from(text.replaceAll(":", ""), "hex");

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}
