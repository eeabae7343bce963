// One ready port as the node's Open vSwitch database keeps it: a row of the table Queue, which nothing else reads (a write
// to Open_vSwitch would make ovn-controller recompute everything). The format is documented here and nowhere else.
// Everybody with access to the database can write rows, so they are treated as hostile until parsed.
//
//   _uuid                  UUIDv5 of (cluster id, "Queue", the port's name): a port cannot have two rows
//   external_ids
//     weft.io/pool         the cluster's id
//     weft.io/port         the name of the logical switch port
//     weft.io/offset       its place in the node's subnets
//     weft.io/mac          0a:58:0a:f4:00:05
//     weft.io/addresses    10.244.0.5/24,fd00:10:244::5/64
//     weft.io/gateways     10.244.0.1,fd00:10:244::1
//     weft.io/tag          the VLAN of a nested port; empty for one that is not nested
//     weft.io/open         true: OVN lets its packets pass; false: not before the controller knows the pod
//     weft.io/state        ready ▶ claimed ▶ resting ▶ ready, or ▶ spent: only the controller can make it ready again
//   and unless it is ready, whose it is or was last (empty when that is not known):
//     weft.io/container  weft.io/ifname  weft.io/pod (shop/web-1)  weft.io/pod-uid
//
// One more row remembers which offer has been taken in, so that the agent recognises an older one after a restore of the
// API server's database:
//
//   _uuid                  UUIDv5 of (cluster id, "Queue", "offer to NODE")
//   external_ids
//     weft.io/pool-offer   4f1c22,17: the offer's line and generation

import { isDeepStrictEqual } from "node:util";
import { formatCidr, formatIp, parseInterfaceAddress, parseIp } from "../../model/ip.ts";
import { isMac } from "../../model/mac.ts";
import type { Names } from "../../model/names.ts";
import { firstPodOffset, type PodNetwork } from "../../model/network.ts";
import { linePattern, type OfferName, tags } from "../../model/pool.ts";
import { rowUuid } from "../../model/uuid.ts";
import { poolKey } from "../ovs/vswitch.ts";

/** Whose pool it is. */
export interface PoolScope {
  readonly names: Names;
  readonly nodeName: string;
  /** Whether VLAN tags on the node's own port distinguish the ports: then each has one, otherwise none has. */
  readonly nested: boolean;
}

/** Who has a port, or had it last. */
export interface Holder {
  readonly container: string;
  readonly ifname: string;
  /** `shop/web-1` */
  readonly pod: string;
  readonly podUid: string;
}

export type Use =
  | { readonly state: "ready" }
  | { readonly state: "claimed" | "resting" | "spent"; readonly holder: Holder };

/** What the controller says about a port. */
export interface PortFacts {
  readonly offset: number;
  readonly name: string;
  readonly tag: number | undefined;
  readonly open: boolean;
  readonly network: PodNetwork;
}

export interface CachedPort extends PortFacts {
  readonly use: Use;
}

/** What the cache remembers of an offer. */
export type TakenOffer = Pick<OfferName, "line" | "generation">;

export type ExternalIds = ReadonlyMap<string, string>;

const offerKey = "weft.io/pool-offer";

const states = ["claimed", "resting", "spent"] as const;

/** The UUID of the row of the port at `offset`. */
export const rowOf = ({ names, nodeName }: PoolScope, offset: number): string =>
  rowUuid(names.cluster, "Queue", names.poolPort(nodeName, offset));

/** The UUID of the row that remembers the offer. */
export const offerRowOf = ({ names, nodeName }: PoolScope): string =>
  rowUuid(names.cluster, "Queue", `offer to ${nodeName}`);

export const offerIdsOf = ({ line, generation }: TakenOffer): ExternalIds =>
  new Map([[offerKey, `${line},${generation}`]]);

/** The offer in the row; undefined when the row is not valid. */
export function takenOfferIn(ids: ExternalIds): TakenOffer | undefined {
  const [line = "", number = "", ...more] = (ids.get(offerKey) ?? "").split(",");
  const generation = wholeNumber(number);
  return linePattern.test(line) && generation >= 0 && more.length === 0 ? { line, generation } : undefined;
}

export function idsOf({ names }: PoolScope, port: CachedPort): ExternalIds {
  const { network, use } = port;
  const ids = new Map([
    [poolKey, names.cluster],
    ["weft.io/port", port.name],
    ["weft.io/offset", String(port.offset)],
    ["weft.io/mac", network.mac],
    ["weft.io/addresses", network.addresses.map(formatCidr).join(",")],
    ["weft.io/gateways", network.gateways.map(formatIp).join(",")],
    ["weft.io/tag", port.tag === undefined ? "" : String(port.tag)],
    ["weft.io/open", String(port.open)],
    ["weft.io/state", use.state],
  ]);
  if (use.state === "ready") return ids;
  return ids
    .set("weft.io/container", use.holder.container)
    .set("weft.io/ifname", use.holder.ifname)
    .set("weft.io/pod", use.holder.pod)
    .set("weft.io/pod-uid", use.holder.podUid);
}

/** The port in the row; undefined unless the row is exactly what `idsOf` writes for a port of this pool. */
export function portIn(scope: PoolScope, uuid: string, ids: ExternalIds): CachedPort | undefined {
  const value = (key: string): string => ids.get(`weft.io/${key}`) ?? "";
  const offset = wholeNumber(value("offset"));
  const tag = wholeNumber(value("tag"));
  const state = states.find((known) => known === value("state"));
  const port: CachedPort = {
    offset,
    name: scope.names.poolPort(scope.nodeName, offset),
    tag: value("tag") === "" ? undefined : tag,
    open: value("open") === "true",
    network: {
      addresses: list(value("addresses")).flatMap((text) => parseInterfaceAddress(text) ?? []),
      mac: value("mac"),
      gateways: list(value("gateways")).flatMap((text) => parseIp(text) ?? []),
    },
    use: state
      ? {
          state,
          holder: {
            container: value("container"),
            ifname: value("ifname"),
            pod: value("pod"),
            podUid: value("pod-uid"),
          },
        }
      : { state: "ready" },
  };
  const sound =
    offset >= firstPodOffset &&
    uuid === rowOf(scope, offset) &&
    isMac(port.network.mac) &&
    port.network.addresses.length > 0 &&
    isTagSound(scope, port);
  // Writes what was understood and compares: anything cut off, doubled or added shows up as a difference.
  return sound && isDeepStrictEqual(idsOf(scope, port), new Map(ids)) ? port : undefined;
}

/** A nested port without a tag would be plugged into the network of the node itself. */
export const isTagSound = ({ nested }: PoolScope, { tag }: { readonly tag: number | undefined }): boolean =>
  tag === undefined ? !nested : nested && tag >= tags.first && tag <= tags.last;

/** -1 for anything else. */
const wholeNumber = (text: string): number => (/^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : -1);

const list = (text: string): readonly string[] => (text === "" ? [] : text.split(","));
