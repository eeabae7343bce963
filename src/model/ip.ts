// IP addresses and prefixes as numbers: parse at the edge, compare and count inside, print at the end. One type for
// both families, with a bigint value, so that IPv6 needs no second path. Texts follow RFC 5952 for IPv6 and dotted
// quad without leading zeros for IPv4.

export type Family = 4 | 6;

export interface Ip {
  readonly family: Family;
  readonly value: bigint;
}

/** A prefix: `ip` is the network address (host bits are zero) and `bits` the prefix length. */
export interface Cidr {
  readonly ip: Ip;
  readonly bits: number;
}

/** An address with the prefix length of its network, host bits kept, as `ip addr` prints it. */
export interface InterfaceAddress {
  readonly ip: Ip;
  readonly bits: number;
}

export const widthOf = (family: Family): number => (family === 4 ? 32 : 128);

/** The address in `text`, or undefined if it is not one. Zones (`%eth0`) and ports are refused. */
export function parseIp(text: string): Ip | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** The network in `text`, or undefined. Set host bits are cleared: `10.0.0.7/24` is `10.0.0.0/24`. */
export function parseCidr(text: string): Cidr | undefined {
  const interfaceAddress = parseInterfaceAddress(text);
  return interfaceAddress && networkOf(interfaceAddress.ip, interfaceAddress.bits);
}

/** The interface address in `text`, or undefined: `10.0.0.7/24`. */
export function parseInterfaceAddress(text: string): InterfaceAddress | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const ip = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (!ip || !/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const bits = Number(digits);
  return bits > widthOf(ip.family) ? undefined : { ip, bits };
}

export const sameIp = (a: Ip, b: Ip | undefined): boolean => a.family === b?.family && a.value === b.value;

export function networkOf(ip: Ip, bits: number): Cidr {
  const host = BigInt(widthOf(ip.family) - bits);
  return { ip: { family: ip.family, value: (ip.value >> host) << host }, bits };
}

export function formatIp(ip: Ip): string {
  return ip.family === 4 ? formatIpv4(ip.value) : formatIpv6(ip.value);
}

/** As it is sent: 4 or 16 bytes. */
export const bytesOfIp = ({ family, value }: Ip): Buffer =>
  Buffer.from(value.toString(16).padStart(widthOf(family) / 4, "0"), "hex");

/** A prefix or an interface address as text: `10.0.0.0/24`, `10.0.0.7/24`. */
export const formatCidr = (cidr: Cidr | InterfaceAddress): string => `${formatIp(cidr.ip)}/${cidr.bits}`;

/** The prefix that has this address alone. */
export const hostCidrOf = (ip: Ip): Cidr => ({ ip, bits: widthOf(ip.family) });

/** How many addresses the prefix spans, including the network and broadcast addresses. */
export const sizeOf = (cidr: Cidr): bigint => 1n << BigInt(widthOf(cidr.ip.family) - cidr.bits);

/** The address `offset` after the network address. The caller keeps `offset` below `sizeOf(cidr)`. */
export const addressAt = (cidr: Cidr, offset: bigint): Ip => ({
  family: cidr.ip.family,
  value: cidr.ip.value + offset,
});

export function contains(cidr: Cidr, ip: Ip): boolean {
  if (cidr.ip.family !== ip.family) return false;
  const host = BigInt(widthOf(ip.family) - cidr.bits);
  return cidr.ip.value >> host === ip.value >> host;
}

export const overlaps = (a: Cidr, b: Cidr): boolean => contains(a, b.ip) || contains(b, a.ip);

function parseIpv4(text: string): Ip | undefined {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0) return undefined;
      value = value * 256 + octet;
      octet = -1;
      dots++;
    } else if (code >= 48 && code <= 57) {
      if (octet === 0) return undefined;
      octet = octet < 0 ? code - 48 : octet * 10 + code - 48;
      if (octet > 255) return undefined;
    } else return undefined;
  }
  return dots === 3 && octet >= 0 ? { family: 4, value: BigInt(value * 256 + octet) } : undefined;
}

function parseIpv6(text: string): Ip | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "");
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "") : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return { family: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

/** The 16-bit groups of one side of `::`; a dotted quad at the end counts as two (RFC 4291, section 2.2). */
function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (part.includes(".")) {
      const quad = index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (!quad) return undefined;
      groups.push(Number(quad.value >> 16n), Number(quad.value & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function formatIpv4(value: bigint): string {
  const n = Number(value);
  return `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  const run = longestZeroRun(groups);
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return run.length < 2 ? text(0, 8) : `${text(0, run.start)}::${text(run.start + run.length, 8)}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
