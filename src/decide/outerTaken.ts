// Which Service or FloatingAddress has an address from outside, so that nobody else gets it. Addresses that have just
// been given out and do not show in a status yet count too.

import type { FloatingAddress } from "../kube/floatingAddress.ts";
import type { Service } from "../kube/objects.ts";
import type { Change } from "../kube/store.ts";
import type { Stores } from "../kube/stores.ts";
import { type Owner, ownerOf, parseOwner } from "../model/owner.ts";
import type { FloatingRows } from "../observe/floatingRows.ts";
import type { FloatingGrants } from "./floatingGrants.ts";

export interface OuterTakenOptions {
  readonly stores: Pick<Stores, "FloatingAddress" | "Service">;
  readonly grants: FloatingGrants;
  /** What the database has. */
  readonly rows: FloatingRows;
}

export class OuterTaken {
  /** Service -> what has been written into its status and does not show yet */
  readonly promised = new Map<Owner, { readonly uid: string; readonly ips: readonly string[] }>();
  /** Those that somebody keeps from an address or a pod, of whichever kind: to be decided again when one is given up. */
  readonly waiting = new Set<Owner>();
  readonly #options: OuterTakenOptions;

  constructor(options: OuterTakenOptions) {
    this.#options = options;
  }

  /** The Service that has it, for people. */
  byService(ip: string): string | undefined {
    const { Service: services } = this.#options.stores;
    const shown =
      services.by("ingressIp", ip)[0] ??
      services.by("externalIp", ip).find(({ grantedIps = [] }) => grantedIps.includes(ip));
    if (shown) return `Service ${shown.namespace}/${shown.name}`;
    for (const [owner, { uid, ips }] of this.promised) {
      const { namespace, name } = parseOwner(owner);
      if (ips.includes(ip) && services.get(namespace, name)?.uid === uid)
        return `Service ${namespace}/${name}`;
    }
    return undefined;
  }

  /** Another FloatingAddress that has it, for people. One that has not been decided yet has what rows or its status say. */
  byFloating(ip: string, except?: Owner): string | undefined {
    const { stores, grants, rows } = this.#options;
    const holder = grants.holderOf(ip, except) ?? rows.at(ip).find(({ owner }) => owner !== except)?.owner;
    if (holder !== undefined) return textOf(holder);
    if (rows.isOthers(ip)) return "a translation in OVN that is not Weft's";
    const stating = stores.FloatingAddress.by("givenIp", ip)
      .map(({ namespace, name }) => ownerOf(floatingKind, name, namespace))
      .find((owner) => owner !== except && !grants.has(owner));
    return stating === undefined ? undefined : textOf(stating);
  }
}

/** Whether the Service has given up an address. */
export const isFreedBy = ({ old, new: now }: Change<Service>): boolean =>
  [...(old?.ingressIps ?? []), ...(old?.grantedIps ?? [])].some(
    (ip) => !now?.ingressIps?.includes(ip) && !now?.grantedIps?.includes(ip),
  );

/** Whether the FloatingAddress has given up an address or its pod, or says so no longer. */
export const isFreedByFloating = ({ old, new: now }: Change<FloatingAddress>): boolean =>
  old?.given.ips.some((ip) => !now?.given.ips.includes(ip)) === true ||
  (old?.given.podUid !== undefined && old.given.podUid !== now?.given.podUid);

/** The first word of their owners' names. */
export const floatingKind = "floatingaddress";

const textOf = (owner: Owner): string => {
  const { namespace, name } = parseOwner(owner);
  return `FloatingAddress ${namespace}/${name}`;
};
