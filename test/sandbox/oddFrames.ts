// Packets that are correct and rare: with IP options or extension headers, and in fragments. Made of ordinary frames.

import { address, checksum } from "./frames.ts";

const ethernetBytes = 14;
const ip6Bytes = 40;
/** Bytes of an IPv6 fragment header. */
const fragmentHeaderBytes = 8;

/** Numbers of extension headers (RFC 8200). */
const next = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const;

/** Its IP packet without Ethernet's padding. */
function packetIn(frame: Buffer): Buffer {
  const packet = frame.subarray(ethernetBytes);
  return isIp6(packet)
    ? packet.subarray(0, ip6Bytes + packet.readUInt16BE(4))
    : packet.subarray(0, packet.readUInt16BE(2));
}

const isIp6 = (packet: Buffer): boolean => packet.readUInt8(0) >> 4 === 6;

/** The frame with another packet in it, whose lengths and checksum are set right. */
function withPacket(frame: Buffer, packet: Buffer): Buffer {
  if (isIp6(packet)) packet.writeUInt16BE(packet.length - ip6Bytes, 4);
  else {
    packet.writeUInt16BE(packet.length, 2);
    packet.writeUInt16BE(0, 10);
    packet.writeUInt16BE(checksum(packet.subarray(0, headerBytes(packet))), 10);
  }
  return Buffer.concat([frame.subarray(0, ethernetBytes), packet]);
}

const headerBytes = (packet: Buffer): number => (packet.readUInt8(0) & 15) * 4;

/** IPv4 options of RFC 791 and RFC 2113, each padded to whole words. */
export const options4 = (hop: string): Readonly<Record<string, Buffer>> => ({
  "no operation": Buffer.from([1, 1, 1, 0]),
  "record route": Buffer.from([7, 7, 4, 0, 0, 0, 0, 0]),
  "loose source route": Buffer.concat([Buffer.from([131, 7, 4]), address(hop), Buffer.from([0])]),
  "strict source route": Buffer.concat([Buffer.from([137, 7, 4]), address(hop), Buffer.from([0])]),
  "router alert": Buffer.from([148, 4, 0, 0]),
});

export function withOptions4(frame: Buffer, options: Buffer): Buffer {
  const packet = packetIn(frame);
  const head = Buffer.concat([packet.subarray(0, 20), options]);
  head.writeUInt8(0x40 + head.length / 4, 0);
  return withPacket(frame, Buffer.concat([head, packet.subarray(20)]));
}

/** Extension headers in the order in which they follow the IPv6 header. */
export const headers6 = (hop: string): Readonly<Record<string, readonly ExtensionHeader[]>> => {
  const padding = { number: next.destination, body: Buffer.from([1, 4, 0, 0, 0, 0]) };
  const routing = {
    number: next.routing,
    body: Buffer.concat([Buffer.from([0, 1, 0, 0, 0, 0]), address(hop)]),
  };
  return {
    "hop-by-hop options": [{ ...padding, number: next.hopByHop }],
    "destination options": [padding],
    "a routing header of type 0": [routing],
    "an atomic fragment": [{ number: next.fragment, body: Buffer.from([0, 0, 0, 0, 0, 7]) }],
    "many headers": [{ ...padding, number: next.hopByHop }, ...Array.from({ length: 6 }, () => padding)],
  };
};

export interface ExtensionHeader {
  readonly number: number;
  /** What follows the number of the next header and the length. */
  readonly body: Buffer;
}

export function withHeaders6(frame: Buffer, headers: readonly ExtensionHeader[]): Buffer {
  const packet = packetIn(frame);
  let last = packet.readUInt8(6);
  let rest = packet.subarray(ip6Bytes);
  for (const { number, body } of headers.toReversed()) {
    const length = number === next.fragment ? 0 : (body.length + 2) / 8 - 1;
    rest = Buffer.concat([Buffer.from([last, length]), body, rest]);
    last = number;
  }
  const head = Buffer.from(packet.subarray(0, ip6Bytes));
  head.writeUInt8(last, 6);
  return withPacket(frame, Buffer.concat([head, rest]));
}

export interface Piece {
  /** In units of 8 bytes, of the payload of the packet. */
  readonly from: number;
  readonly to?: number;
  /** Of the datagram that the piece is cut out of, if it is not the first one. */
  readonly of?: Buffer;
}

/** The packet in the frame as fragments with the identification `id`; the last of `pieces` says that it is the last. */
export function inPieces(frame: Buffer, id: number, pieces: readonly Piece[]): readonly Buffer[] {
  return pieces.map(({ from, to, of = frame }, index) => {
    const packet = packetIn(of);
    const isLast = index === pieces.length - 1;
    const start = isIp6(packet) ? ip6Bytes : headerBytes(packet);
    const payload = packet.subarray(start + from * 8, to === undefined ? undefined : start + to * 8);
    const head = Buffer.from(packet.subarray(0, start));
    if (!isIp6(packet)) {
      head.writeUInt16BE(id, 4);
      head.writeUInt16BE((isLast ? 0 : 0x2000) + from, 6);
      return withPacket(of, Buffer.concat([head, payload]));
    }
    const fragment = Buffer.alloc(fragmentHeaderBytes);
    fragment.writeUInt8(head.readUInt8(6), 0);
    fragment.writeUInt16BE(from * 8 + (isLast ? 0 : 1), 2);
    fragment.writeUInt32BE(id, 4);
    head.writeUInt8(next.fragment, 6);
    return withPacket(of, Buffer.concat([head, fragment, payload]));
  });
}
