// The addresses that the cluster and its nodes have themselves. None of them may be a Service's address from outside:
// somebody who gave a Service one of them would receive packets meant for others (CVE-2020-8554).

import type { AddressPool } from "../kube/addressPool.ts";
import type { ServiceCidr } from "../kube/serviceCidr.ts";
import type { Cidr, Ip } from "../model/ip.ts";
import { formatIp, parseCidr } from "../model/ip.ts";
import { formatRange, type IpRange, rangeOf, rangesMeet } from "../model/ipRange.ts";
import type { ClusterNetwork, ResolvedNode } from "../model/network.ts";
import { linkLocal4, specialRanges } from "../model/specialAddresses.ts";

/** What it is, for people, and where. */
export type OwnRange = readonly [what: string, range: IpRange];

/** No machine outside has such an address. The last range is Weft's own, for connections that lead back to their client. */
const special: readonly Cidr[] = [...specialRanges, ...linkLocal4, ...[parseCidr("fd69::/112") ?? []].flat()];

/** Of the cluster alone: an administrator's word. */
export const clusterRanges = (
  network: ClusterNetwork,
  serviceCidrs: Iterable<ServiceCidr>,
): readonly OwnRange[] => ownRanges(network, serviceCidrs, []);

/** Also those that nodes report. A node may lie, so they take nothing away that a Service has already. */
export function ownRanges(
  network: ClusterNetwork,
  serviceCidrs: Iterable<ServiceCidr>,
  nodes: Iterable<ResolvedNode>,
): readonly OwnRange[] {
  const single = (ip: Ip): IpRange => ({ first: ip, last: ip });
  return [
    ...network.pods.map(({ cidr }): OwnRange => ["the pods' range", rangeOf(cidr)]),
    ...network.services.map((cidr): OwnRange => ["the range of Services", rangeOf(cidr)]),
    ...[...serviceCidrs].flatMap(({ name, cidrs }) =>
      cidrs.map((cidr): OwnRange => [`ServiceCIDR ${name}`, rangeOf(cidr)]),
    ),
    ...network.join.map((cidr): OwnRange => ["the range between routers", rangeOf(cidr)]),
    ...special.map((cidr): OwnRange => ["a range with a meaning of its own", rangeOf(cidr)]),
    ...[...nodes].flatMap(({ name, hostAddresses, gateway }) => [
      ...hostAddresses.map((ip): OwnRange => [`node ${name}`, single(ip)]),
      ...(gateway?.nextHops ?? []).map((ip): OwnRange => [`the gateway of node ${name}`, single(ip)]),
    ]),
  ];
}

/** Why no Service may have the address; undefined when one may. */
export const addressProblem = (own: readonly OwnRange[], ip: Ip): string | undefined => {
  const met = own.find(([, range]) => rangesMeet(range, { first: ip, last: ip }));
  return met && `${formatIp(ip)} belongs to ${met[0]}`;
};

/** Why each unusable pool cannot be used. Of pools that overlap, the first by name is usable. */
export function poolProblems(
  pools: Iterable<AddressPool>,
  own: readonly OwnRange[],
): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  const taken: OwnRange[] = [...own];
  for (const { name, ranges, malformed, selectorProblem } of [...pools].toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const [text] = malformed;
    const met = ranges.flatMap((range) =>
      taken.flatMap(([what, other]) => (rangesMeet(range, other) ? [[range, what] as const] : [])),
    )[0];
    if (text !== undefined)
      problems.set(
        name,
        `${JSON.stringify(text.slice(0, 60))} is not a range: write 192.0.2.0/24 or 192.0.2.10-192.0.2.20`,
      );
    else if (selectorProblem !== undefined) problems.set(name, selectorProblem);
    else if (ranges.length === 0) problems.set(name, "it has no address");
    else if (met) problems.set(name, `${formatRange(met[0])} overlaps ${met[1]}`);
    else taken.push(...ranges.map((range): OwnRange => [`pool ${name}`, range]));
  }
  return problems;
}
