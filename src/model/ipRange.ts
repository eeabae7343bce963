// A range of addresses from one to another, both included.

import { type Cidr, formatIp, type Ip, parseCidr, parseIp, sizeOf, widthOf } from "./ip.ts";

export interface IpRange {
  readonly first: Ip;
  readonly last: Ip;
}

/** `192.0.2.0/24`, `192.0.2.10-192.0.2.20` or one address; undefined when it makes no sense. */
export function parseRange(text: string): IpRange | undefined {
  const cidr = parseCidr(text);
  if (cidr) return rangeOf(cidr);
  const [from = "", to = from, ...more] = text.split("-").map((part) => part.trim());
  const first = parseIp(from);
  const last = parseIp(to);
  if (!first || !last || more.length > 0) return undefined;
  return first.family === last.family && first.value <= last.value ? { first, last } : undefined;
}

export const rangeOf = (cidr: Cidr): IpRange => ({
  first: cidr.ip,
  last: { ...cidr.ip, value: cidr.ip.value + sizeOf(cidr) - 1n },
});

export const inRange = ({ first, last }: IpRange, { family, value }: Ip): boolean =>
  family === first.family && first.value <= value && value <= last.value;

export const rangesMeet = (a: IpRange, b: IpRange): boolean => inRange(a, b.first) || inRange(b, a.first);

export const formatRange = ({ first, last }: IpRange): string =>
  first.value === last.value ? formatIp(first) : `${formatIp(first)}-${formatIp(last)}`;

/** The fewest blocks that together are the range. */
export function blocksOf({ first, last }: IpRange): readonly Cidr[] {
  const blocks: Cidr[] = [];
  for (let { value } = first; value <= last.value; ) {
    let bits = widthOf(first.family);
    const isBlock = (length: number): boolean => {
      const size = 1n << BigInt(widthOf(first.family) - length);
      return value % size === 0n && value + size - 1n <= last.value;
    };
    while (bits > 0 && isBlock(bits - 1)) bits--;
    const block = { ip: { ...first, value }, bits };
    blocks.push(block);
    value += sizeOf(block);
  }
  return blocks;
}
