// The part of an ACL's match that says with whom a packet is exchanged: members of address sets, or addresses in blocks.

import { type Cidr, type Family, formatCidr } from "../model/ip.ts";

/**
 * `far`: the field of a packet with the other's address, `src` or `dst`. `setsOf`: the names of address sets, given the
 * blocks of the family. Undefined when no address matches.
 */
export function addressMatch(
  far: string,
  blocks: readonly Cidr[],
  setsOf: (family: Family, blocks: readonly Cidr[]) => readonly string[],
): string | undefined {
  const terms = ([4, 6] as const).flatMap((family) => {
    const ofFamily = blocks.filter(({ ip }) => ip.family === family);
    // OVN takes no constant with an empty mask.
    if (ofFamily.some(({ bits }) => bits === 0)) return [`ip${family}`];
    const members = [...setsOf(family, ofFamily).map((name) => `$${name}`), ...ofFamily.map(formatCidr)];
    return members.length === 0 ? [] : [`ip${family}.${far} == {${[...new Set(members)].sort().join(", ")}}`];
  });
  return terms.length === 0 ? undefined : `(${terms.join(" || ")})`;
}
