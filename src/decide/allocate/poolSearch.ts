// The search for a free address in pools, for everybody who takes one. It continues where the last one has ended, so that an
// address rests for as long as others are free.

import type { AddressPool } from "../../kube/addressPool.ts";
import { selects } from "../../kube/labelSelector.ts";
import type { ObjectMeta } from "../../kube/objects.ts";
import { type Family, formatIp } from "../../model/ip.ts";
import type { IpRange } from "../../model/ipRange.ts";

export class PoolSearch {
  /** pool and family -> the address given last */
  readonly #last = new Map<string, bigint>();

  /** One address, or none when all are taken. */
  free(pool: AddressPool, family: Family, isTaken: (ip: string) => boolean): readonly [string] | readonly [] {
    const key = `${pool.name} ${family}`;
    const ranges = pool.ranges.filter(({ first }) => first.family === family);
    for (const value of valuesAfter(ranges, this.#last.get(key))) {
      const ip = formatIp({ family, value });
      if (isTaken(ip)) continue;
      this.#last.set(key, value);
      return [ip];
    }
    return [];
  }
}

/** All of them once, those behind `last` first. */
function* valuesAfter(ranges: readonly IpRange[], last: bigint | undefined): Iterable<bigint> {
  const sorted = ranges.toSorted((a, b) => (a.first.value < b.first.value ? -1 : 1));
  for (const isBehind of last === undefined ? [true] : [true, false])
    for (const { first, last: end } of sorted) {
      const from = isBehind && last !== undefined && last >= first.value ? last + 1n : first.value;
      const to = isBehind || last === undefined || last > end.value ? end.value : last;
      for (let value = from; value <= to; value++) yield value;
    }
}

/** Whether the pool's namespaces and selectors allow it to give `object` an address. */
export const serves = (
  { namespaces, serviceSelectors }: AddressPool,
  { namespace, labels }: Pick<ObjectMeta, "namespace" | "labels">,
): boolean =>
  (namespaces.length === 0 || namespaces.includes(namespace)) &&
  (serviceSelectors.length === 0 || serviceSelectors.some((selector) => selects(selector, labels)));

/** As MetalLB orders its pools: lower numbers first, 0 last. */
export function byPriority(a: AddressPool, b: AddressPool): number {
  const rank = ({ priority }: AddressPool): number => priority || Number.POSITIVE_INFINITY;
  if (rank(a) !== rank(b)) return rank(a) < rank(b) ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
