// Which addresses a Service of type LoadBalancer gets from the pools. Pure except for the search in pools (poolSearch.ts).

import type { AddressPool } from "../../kube/addressPool.ts";
import type { Service } from "../../kube/objects.ts";
import { type Family, formatIp, type Ip, parseIp } from "../../model/ip.ts";
import { inRange } from "../../model/ipRange.ts";
import { annotations } from "../../model/names.ts";
import { byPriority, type PoolSearch, serves } from "./poolSearch.ts";

export type BalancerChoice = { readonly ips: readonly string[] } | { readonly refused: string };

export interface BalancerQuestion {
  readonly service: Service;
  /** Those without a problem. */
  readonly pools: readonly AddressPool[];
  /** Who has the address, for people. */
  readonly takenBy: (ip: string) => string | undefined;
  /** Addresses of others that it would share, the best first. */
  readonly shared: readonly string[];
}

export class BalancerAddresses {
  readonly #search: PoolSearch;

  constructor(search: PoolSearch) {
    this.#search = search;
  }

  /** One address of each family of the Service that a pool has; those it asks for, if it does. */
  choose({ service, pools, takenBy, shared }: BalancerQuestion): BalancerChoice {
    if (pools.length === 0)
      return {
        refused:
          "there is no usable IPAddressPool (weft.io) to take an address from: make one, or name the controller that serves it in spec.loadBalancerClass",
      };
    const isTaken = (ip: string): boolean => takenBy(ip) !== undefined;
    const families = [...new Set(service.clusterIps.flatMap((text) => parseIp(text)?.family ?? []))];
    const byName = service.annotations[annotations.addressPool];
    const eligible = pools.filter((pool) => serves(pool, service)).toSorted(byPriority);
    const wanted = service.balancer?.wanted ?? [];
    if (wanted.length > 0) return asked(wanted, families, eligible, takenBy);
    const chosen = eligible.filter(({ name, autoAssign }) =>
      byName === undefined ? autoAssign : name === byName,
    );
    if (chosen.length === 0)
      return {
        refused:
          byName === undefined
            ? `none of the IPAddressPools gives addresses to this Service: ${pools.map(({ name }) => name).join(", ")}`
            : `the annotation ${annotations.addressPool} names ${byName}, which is not a usable IPAddressPool for this Service`,
      };
    const ips: string[] = [];
    for (const family of families) {
      const having = chosen.filter(({ ranges }) => ranges.some(({ first }) => first.family === family));
      const ip =
        shared.find((text) => isOf(having, family, text) && !isTaken(text)) ??
        having
          .values()
          .flatMap((pool) => this.#search.free(pool, family, isTaken))
          .next().value;
      if (ip !== undefined) ips.push(ip);
      else if (having.length > 0)
        return {
          refused: `no IPv${family} address is left in ${having.map(({ name }) => name).join(", ")}: add addresses to spec.addresses, or delete Services`,
        };
    }
    const familyText = families.map((family) => `IPv${family}`).join(" or ");
    return ips.length > 0 ? { ips } : { refused: `no pool for this Service has an address of ${familyText}` };
  }
}

function asked(
  wanted: readonly string[],
  families: readonly Family[],
  pools: readonly AddressPool[],
  takenBy: BalancerQuestion["takenBy"],
): BalancerChoice {
  const ips = wanted.flatMap((text) => parseIp(text) ?? []);
  const has = (ip: Ip): boolean => pools.some(({ ranges }) => ranges.some((range) => inRange(range, ip)));
  for (const ip of ips) {
    const text = formatIp(ip);
    if (!families.includes(ip.family))
      return { refused: `it asks for ${text}, but has no address of IPv${ip.family} inside` };
    if (!has(ip)) return { refused: `it asks for ${text}, which no IPAddressPool for this Service has` };
    const holder = takenBy(text);
    if (holder !== undefined) return { refused: `it asks for ${text}, which ${holder} has` };
  }
  const isDouble = new Set(ips.map(({ family }) => family)).size < ips.length;
  return isDouble ? { refused: "it asks for two addresses of one family" } : { ips: ips.map(formatIp) };
}

const isOf = (pools: readonly AddressPool[], family: Family, text: string): boolean => {
  const ip = parseIp(text);
  return ip?.family === family && pools.some(({ ranges }) => ranges.some((range) => inRange(range, ip)));
};
