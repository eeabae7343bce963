// Finds the ranges that contain an address. Networks of one prefix length are found by one look-up, and few lengths are
// in use. So an address costs as many look-ups as there are lengths, however many ranges there are.

import { type Ip, networkOf } from "../model/ip.ts";
import { isInRange, type RangeSelection } from "./selection.ts";

export class RangeIndex<T> {
  /** family and prefix length -> network -> item -> its range */
  readonly #lengths = new Map<string, PrefixLength<T>>();

  add(range: RangeSelection, item: T): void {
    const { ip, bits } = range.range;
    const id = `${ip.family}/${bits}`;
    const length = this.#lengths.get(id) ?? { family: ip.family, bits, networks: new Map() };
    this.#lengths.set(id, length);
    const ranges = length.networks.get(ip.value);
    if (ranges) ranges.set(item, range);
    else length.networks.set(ip.value, new Map([[item, range]]));
  }

  delete({ range: { ip, bits } }: RangeSelection, item: T): void {
    const id = `${ip.family}/${bits}`;
    const networks = this.#lengths.get(id)?.networks;
    const ranges = networks?.get(ip.value);
    ranges?.delete(item);
    if (ranges?.size === 0) networks?.delete(ip.value);
    if (networks?.size === 0) this.#lengths.delete(id);
  }

  /** The items whose range contains one of `addresses`. An item whose range contains two of them comes twice. */
  *holding(addresses: readonly Ip[]): Iterable<T> {
    if (this.#lengths.size === 0) return;
    for (const ip of addresses) {
      for (const { family, bits, networks } of this.#lengths.values()) {
        if (family !== ip.family) continue;
        for (const [item, range] of networks.get(networkOf(ip, bits).ip.value) ?? [])
          if (isInRange(range, ip)) yield item;
      }
    }
  }
}

interface PrefixLength<T> {
  readonly family: Ip["family"];
  readonly bits: number;
  readonly networks: Map<bigint, Map<T, RangeSelection>>;
}
