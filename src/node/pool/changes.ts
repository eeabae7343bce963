// What has to change in the cache, given the controller's offer and the present rows and interfaces. A pure function:
// once its changes have been made, its answer is empty. An interface is the truth about who has a port; the rest of a
// row that is not in use follows the offer.

import { isDeepStrictEqual } from "node:util";
import { sameIp } from "../../model/ip.ts";
import type { PodNetwork } from "../../model/network.ts";
import type { VswitchTables } from "../../ovn/vswitch.gen.ts";
import type { Transaction } from "../../ovsdb/index.ts";
import { type CacheRow, isOf } from "./cache.ts";
import type { OfferedPort } from "./offer.ts";
import {
  type CachedPort,
  type ExternalIds,
  type Holder,
  idsOf,
  offerIdsOf,
  offerRowOf,
  type PoolScope,
  type PortFacts,
  type TakenOffer,
  type Use,
} from "./queueRow.ts";

export interface PoolView {
  readonly scope: PoolScope;
  /** row UUID -> port; undefined when no offer is known: then nothing is added or removed. */
  readonly offered: ReadonlyMap<string, OfferedPort> | undefined;
  /** Which offer that is. */
  readonly offer: TakenOffer | undefined;
  /** The row that remembers the offer that was taken in last, if it exists. */
  readonly offerIds: ExternalIds | undefined;
  readonly rows: readonly CacheRow[];
  readonly holders: (portName: string) => readonly Holder[];
  /** Whether an address has rested long enough since its last pod. */
  readonly rested: (uuid: string) => boolean;
  /** Whether policies may exist, which count an address as its last pod's until the controller has seen that pod gone. */
  readonly policed: boolean;
  /** Whether a pod is about to be plugged into the port. */
  readonly reserved: (portName: string) => boolean;
  /** Whether somebody else has removed the row, so that nobody knows what its port was used for. */
  readonly lost: (uuid: string) => boolean;
}

export type PoolChange =
  | { readonly kind: "insert"; readonly uuid: string; readonly to: ExternalIds }
  | { readonly kind: "update"; readonly uuid: string; readonly from: ExternalIds; readonly to: ExternalIds }
  | { readonly kind: "delete"; readonly uuid: string; readonly from: ExternalIds };

export function poolChanges(view: PoolView): readonly PoolChange[] {
  const present = new Set(view.rows.map(({ uuid }) => uuid));
  const missing = [...(view.offered ?? [])].filter(([uuid]) => !present.has(uuid));
  return [
    ...view.rows.flatMap((row) => changeOf(view, row)),
    ...missing.flatMap(([uuid, offered]): PoolChange[] => {
      const port = added(view, offered, view.lost(uuid));
      return port ? [{ kind: "insert", uuid, to: idsOf(view.scope, port) }] : [];
    }),
    ...remembered(view),
  ];
}

/** Written in the transaction of the offer's changes, and so before the offer is acknowledged. */
function remembered({ scope, offer, offerIds: from }: PoolView): readonly PoolChange[] {
  if (!offer) return [];
  const uuid = offerRowOf(scope);
  const to = offerIdsOf(offer);
  if (!from) return [{ kind: "insert", uuid, to }];
  return isDeepStrictEqual(to, new Map(from)) ? [] : [{ kind: "update", uuid, from, to }];
}

/**
 * Changes the row only if it is still as it was when the change was computed: if somebody was faster, the keeper
 * looks again.
 */
export function addChange(tx: Transaction<VswitchTables>, change: PoolChange): void {
  const { kind, uuid } = change;
  if (kind === "insert") {
    tx.insert("Queue", { external_ids: change.to }, uuid);
    return;
  }
  const unchanged = [
    ["_uuid", "==", uuid],
    ["external_ids", "==", change.from],
  ] as const;
  if (kind === "update") tx.update("Queue", unchanged, { external_ids: change.to });
  else tx.delete("Queue", unchanged);
}

function changeOf(view: PoolView, { uuid, ids, port }: CacheRow): readonly PoolChange[] {
  const offered = view.offered?.get(uuid);
  // Without an offer there is nothing to rebuild a row from.
  if (!port && !view.offered) return [];
  const wanted = port ? next(view, uuid, port, offered) : offered && added(view, offered, true);
  if (!wanted) return [{ kind: "delete", uuid, from: ids }];
  if (wanted === port) return [];
  const to = idsOf(view.scope, wanted);
  return isDeepStrictEqual(to, new Map(ids)) ? [] : [{ kind: "update", uuid, from: ids, to }];
}

/** The row for a port that has none, or none that is valid; `unknown` when the port may have been in use. */
function added(view: PoolView, offered: OfferedPort, unknown: boolean): CachedPort | undefined {
  const [holder] = view.holders(offered.name);
  if (holder) return { ...factsOf(offered), use: { state: "claimed", holder } };
  if (offered.withdrawn) return undefined;
  return { ...factsOf(offered), use: unknown ? { state: "resting", holder: nobody } : { state: "ready" } };
}

/** The port's next state; undefined when it no longer belongs to this node. */
function next(
  view: PoolView,
  uuid: string,
  port: CachedPort,
  offered: OfferedPort | undefined,
): CachedPort | undefined {
  const { use } = port;
  const holders = view.holders(port.name);
  const [first] = holders;
  if (first) {
    const known = use.state === "claimed" && holders.some((holder) => isOf(use.holder, holder));
    return known ? port : { ...port, use: { state: "claimed", holder: first } };
  }
  const withdrawn = view.offered !== undefined && (!offered || offered.withdrawn);
  const facts: PortFacts = offered && !withdrawn ? offered : port;
  const isSame = agrees(port, facts);
  /** Returns `port` itself when nothing changes: there may be hundreds of rows, and few change. */
  const become = (next: Use): CachedPort =>
    isSame && next === use ? port : { ...factsOf(facts), use: next };
  switch (use.state) {
    case "ready":
      // A port that was open and is now closed may still be open for the pod that had it.
      return withdrawn
        ? undefined
        : become(port.open && !facts.open ? { state: "spent", holder: nobody } : use);
    case "claimed":
      return view.reserved(port.name) ? port : become({ ...use, state: "resting" });
    case "resting":
      if (!view.rested(uuid)) return become(use);
      if (withdrawn) return undefined;
      return become(facts.open && !view.policed ? { state: "ready" } : { ...use, state: "spent" });
    case "spent":
      // A closed port may have been opened for its last pod, and policies may count an open one as its last pod's. Only the
      // controller knows, and it will offer the port anew.
      return withdrawn ? undefined : become(facts.open && !port.open ? { state: "ready" } : use);
  }
}

/** Whether the row of a ready port matches what the controller says, and the controller wants it used. */
export const agrees = (
  port: PortFacts,
  offered: (PortFacts & { readonly withdrawn?: boolean }) | undefined,
): boolean =>
  port === offered ||
  (offered !== undefined &&
    offered.withdrawn !== true &&
    port.open === offered.open &&
    port.tag === offered.tag &&
    isSameNetwork(port.network, offered.network));

/** Written out by hand, because each look compares thousands of rows. */
const isSameNetwork = (a: PodNetwork, b: PodNetwork): boolean =>
  a.mac === b.mac &&
  isSameList(a.addresses, b.addresses, (one, other) => sameIp(one.ip, other.ip) && one.bits === other.bits) &&
  isSameList(a.gateways, b.gateways, sameIp);

const isSameList = <T>(a: readonly T[], b: readonly T[], isSame: (one: T, other: T) => boolean): boolean =>
  a.length === b.length &&
  a.every((one, index) => {
    const other = b[index];
    return other !== undefined && isSame(one, other);
  });

const factsOf = ({ offset, name, tag, open, network }: PortFacts) => ({ offset, name, tag, open, network });

const nobody: Holder = { container: "", ifname: "", pod: "", podUid: "" };
