// Which addresses a FloatingAddress has: those that it has had, for as long as they are what it asks for, and otherwise others
// from the pools. If it cannot have what it asks for, it keeps what it has.

import type { AddressPool } from "../kube/addressPool.ts";
import type { FloatingAddress } from "../kube/floatingAddress.ts";
import type { Stores } from "../kube/stores.ts";
import { formatIp, type Ip, parseIp } from "../model/ip.ts";
import { inRange } from "../model/ipRange.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { FloatingRow } from "../observe/floatingRows.ts";
import { type FloatingQuestion, floatingAddressesFor, isOffered } from "./allocate/floatingAddresses.ts";
import type { PoolSearch } from "./allocate/poolSearch.ts";
import type { OuterTaken } from "./outerTaken.ts";
import { addressProblem, ownRanges, poolProblems } from "./ownRanges.ts";
import type { Places } from "./places.ts";

export interface HeldAddressesOptions {
  readonly network: ClusterNetwork;
  readonly stores: Pick<Stores, "IPAddressPool" | "ServiceCIDR">;
  readonly places: Pick<Places, "nodes">;
  readonly taken: OuterTaken;
  readonly search: PoolSearch;
  /** Why nobody gets such an address in this set-up, for people; undefined where they do. */
  readonly unserved: () => string | undefined;
}

/** What is missing, in CamelCase for machines, and for people. */
export interface Lack {
  readonly reason: string;
  readonly message: string;
}

export interface HeldAddresses {
  readonly ips: readonly Ip[];
  readonly lack?: Lack;
  /** What it asks for and nobody can give, although it goes on with what it has; for people. */
  readonly remark?: string;
}

/** `granted` by this leader; undefined before. Then the rows of the FloatingAddress count, and after that its status. */
export function heldAddresses(
  options: HeldAddressesOptions,
  owner: Owner,
  floating: FloatingAddress,
  granted: readonly Ip[] | undefined,
  rows: readonly FloatingRow[],
): HeldAddresses {
  const why = options.unserved();
  const proven = granted ?? provenIps(rows);
  // A cloud whose router has lost its gateway may get another one.
  if (why !== undefined) return { ips: proven, lack: { reason: "NotServed", message: why } };
  const { isOwn, ...question } = questionAbout(options, owner, floating);
  const ips = granted ?? [
    ...proven,
    ...claimedIps(question, [...options.stores.IPAddressPool.values()], isOwn, proven),
  ];
  if (floating.malformed !== undefined)
    return { ips, lack: { reason: "Malformed", message: floating.malformed } };
  if (ips.length > 0 && isAsAsked(options.stores, floating, ips))
    return { ips, ...remarkOn(options.stores, floating) };
  const choice = floatingAddressesFor(question, options.search);
  if ("ips" in choice) return { ips: choice.ips };
  const kept = ips.length > 0 ? `; it keeps ${ips.map(formatIp).join(" and ")}` : "";
  return { ips, lack: { reason: "NoAddress", message: `${choice.refused}${kept}` } };
}

function questionAbout(
  { network, stores, places, taken }: HeldAddressesOptions,
  owner: Owner,
  floating: FloatingAddress,
): FloatingQuestion & { readonly isOwn: (ip: Ip) => boolean } {
  const all = [...stores.IPAddressPool.values()];
  const own = ownRanges(network, stores.ServiceCIDR.values(), places.nodes());
  const problems = poolProblems(all, own);
  return {
    isOwn: (ip) => addressProblem(own, ip) !== undefined,
    floating,
    families: network.families,
    pools: all.filter(({ name }) => !problems.has(name)),
    takenBy: (ip) => taken.byService(ip) ?? taken.byFloating(ip, owner),
  };
}

/** Of each family the first. */
const provenIps = (rows: readonly FloatingRow[]): readonly Ip[] => {
  const ips = rows.flatMap(({ outer }) => parseIp(outer) ?? []);
  return ([4, 6] as const).flatMap((family) => ips.find((ip) => ip.family === family) ?? []);
};

/**
 * Those of its status that it could be given now, of families of which it has none. A pool that is not usable any more gives
 * nothing new, but takes nothing away: a slip in it, or one node that has an address of it, would cost all that wait for their pods.
 */
const claimedIps = (
  question: FloatingQuestion,
  pools: readonly AddressPool[],
  isOwn: (ip: Ip) => boolean,
  proven: readonly Ip[],
): readonly Ip[] =>
  question.floating.given.ips
    .flatMap((text) => parseIp(text) ?? [])
    .filter(
      (ip) =>
        !proven.some(({ family }) => family === ip.family) &&
        isOffered({ ...question, pools }, ip) &&
        !isOwn(ip) &&
        question.takenBy(formatIp(ip)) === undefined,
    );

/** A pool may have been deleted, or its name mistyped. */
function remarkOn(
  { IPAddressPool: pools }: HeldAddressesOptions["stores"],
  { pool, wanted }: FloatingAddress,
): Pick<HeldAddresses, "remark"> {
  if (pool === undefined || wanted.length > 0 || pools.get("", pool)) return {};
  return { remark: `it asks for the IPAddressPool ${pool}, which does not exist, and keeps what it has` };
}

/** Whether these are the addresses, or of the pool, that it asks for. */
function isAsAsked(
  { IPAddressPool: pools }: HeldAddressesOptions["stores"],
  { wanted, pool }: FloatingAddress,
  ips: readonly Ip[],
): boolean {
  if (wanted.length > 0)
    return ips.length === wanted.length && ips.every((ip) => wanted.includes(formatIp(ip)));
  const named = pool === undefined ? undefined : pools.get("", pool);
  // A pool that has been made smaller takes no address away; but one that is asked for instead of another does.
  if (!named) return true;
  const others = [...pools.values()].filter(({ name }) => name !== pool);
  return ips.every((ip) => !others.some(({ ranges }) => ranges.some((range) => inRange(range, ip))));
}
