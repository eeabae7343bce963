// Which addresses a FloatingAddress gets from the pools: those that it asks for, or one of each family that pools have. A pool's
// namespaces and selectors hold for it as for Services.

import type { AddressPool } from "../../kube/addressPool.ts";
import type { FloatingAddress } from "../../kube/floatingAddress.ts";
import { type Family, formatIp, type Ip, parseIp } from "../../model/ip.ts";
import { inRange } from "../../model/ipRange.ts";
import { byPriority, type PoolSearch, serves } from "./poolSearch.ts";

export type FloatingChoice = { readonly ips: readonly Ip[] } | { readonly refused: string };

export interface FloatingQuestion {
  readonly floating: FloatingAddress;
  /** Those without a problem. */
  readonly pools: readonly AddressPool[];
  /** Of the cluster. */
  readonly families: readonly Family[];
  /** Who has the address, for people. */
  readonly takenBy: (ip: string) => string | undefined;
}

export function floatingAddressesFor(question: FloatingQuestion, search: PoolSearch): FloatingChoice {
  const { floating, families, takenBy } = question;
  const pools = poolsFor(question);
  if (floating.wanted.length > 0) return wantedFrom(floating.wanted, pools, families, takenBy);
  const chosen = pools.filter(({ name, autoAssign }) =>
    floating.pool === undefined ? autoAssign : name === floating.pool,
  );
  if (chosen.length === 0) return { refused: noPoolText(floating, question.pools) };
  const ips: Ip[] = [];
  for (const family of families) {
    const having = chosen.filter(({ ranges }) => ranges.some(({ first }) => first.family === family));
    const free = having
      .values()
      .flatMap((pool) => search.free(pool, family, (ip) => takenBy(ip) !== undefined))
      .next().value;
    const ip = free === undefined ? undefined : parseIp(free);
    if (ip) ips.push(ip);
    else if (having.length > 0)
      return {
        refused: `no IPv${family} address is left in ${having.map(({ name }) => name).join(", ")}: add addresses to spec.addresses of the pool, or delete FloatingAddresses or Services`,
      };
  }
  return ips.length > 0 ? { ips } : { refused: "no pool for it has an address of the cluster's families" };
}

/** Whether a pool would give it the address now, if it were free. */
export const isOffered = (question: Pick<FloatingQuestion, "floating" | "pools">, ip: Ip): boolean =>
  poolsFor(question).some(
    ({ name, autoAssign, ranges }) =>
      ranges.some((range) => inRange(range, ip)) &&
      (question.floating.wanted.includes(formatIp(ip)) ||
        (question.floating.pool === undefined ? autoAssign : name === question.floating.pool)),
  );

const poolsFor = ({
  floating,
  pools,
}: Pick<FloatingQuestion, "floating" | "pools">): readonly AddressPool[] =>
  pools.filter((pool) => serves(pool, floating)).toSorted(byPriority);

function wantedFrom(
  wanted: readonly string[],
  pools: readonly AddressPool[],
  families: readonly Family[],
  takenBy: FloatingQuestion["takenBy"],
): FloatingChoice {
  const ips = wanted.flatMap((text) => parseIp(text) ?? []);
  for (const ip of ips) {
    const text = formatIp(ip);
    if (!families.includes(ip.family))
      return { refused: `it asks for ${text}, and the cluster has no IPv${ip.family}` };
    if (!pools.some(({ ranges }) => ranges.some((range) => inRange(range, ip))))
      return { refused: `it asks for ${text}, which is in no IPAddressPool that serves this namespace` };
    const holder = takenBy(text);
    if (holder !== undefined) return { refused: `it asks for ${text}, which ${holder} has` };
  }
  return { ips };
}

function noPoolText({ pool, namespace }: FloatingAddress, all: readonly AddressPool[]): string {
  if (pool !== undefined)
    return `it asks for the IPAddressPool ${pool}, which does not exist, is not usable or does not serve namespace ${namespace}`;
  return all.length === 0
    ? "there is no usable IPAddressPool (weft.io): an operator has to make one"
    : `none of the IPAddressPools gives addresses to namespace ${namespace} without being asked for by name`;
}
