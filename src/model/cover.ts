// Several blocks of addresses as the fewest that have the same addresses.

import { type Cidr, contains, widthOf } from "./ip.ts";

/** In order: IPv4 before IPv6, and within a family by address. None overlaps another, and no two are one larger block. */
export function cover(blocks: readonly Cidr[]): readonly Cidr[] {
  const found: Cidr[] = [];
  for (const block of blocks.toSorted(byAddress)) {
    const last = found.at(-1);
    // A block that has this one begins no later, and at the same address it is the longer one.
    if (last && last.bits <= block.bits && contains(last, block.ip)) continue;
    found.push(block);
    for (let whole = unionOf(found.at(-2), found.at(-1)); whole; whole = unionOf(found.at(-2), found.at(-1)))
      found.splice(-2, 2, whole);
  }
  return found;
}

/** The block whose halves these are, in this order. */
function unionOf(low: Cidr | undefined, high: Cidr | undefined): Cidr | undefined {
  if (!low || !high || low.bits !== high.bits || low.ip.family !== high.ip.family) return undefined;
  const size = 1n << BigInt(widthOf(low.ip.family) - low.bits);
  const isLowHalf = (low.ip.value / size) % 2n === 0n;
  return isLowHalf && high.ip.value - low.ip.value === size ? { ip: low.ip, bits: low.bits - 1 } : undefined;
}

function byAddress(a: Cidr, b: Cidr): number {
  if (a.ip.family !== b.ip.family) return a.ip.family - b.ip.family;
  if (a.ip.value !== b.ip.value) return a.ip.value < b.ip.value ? -1 : 1;
  return a.bits - b.bits;
}
