// What is left of a block of addresses without some parts of it, as blocks.

import { type Cidr, contains, overlaps, widthOf } from "./ip.ts";

/** The fewest blocks that together are `range` without `except`: at most one per exception for each bit that it is longer. */
export function remainder(range: Cidr, except: readonly Cidr[]): readonly Cidr[] {
  const near = except.filter((one) => overlaps(range, one));
  if (near.length === 0) return [range];
  if (near.some((one) => one.bits <= range.bits && contains(one, range.ip))) return [];
  return halves(range).flatMap((half) => remainder(half, near));
}

function halves({ ip, bits }: Cidr): readonly Cidr[] {
  const half = 1n << BigInt(widthOf(ip.family) - bits - 1);
  return [ip, { ...ip, value: ip.value + half }].map((start) => ({ ip: start, bits: bits + 1 }));
}
