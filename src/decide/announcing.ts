// Which node answers for a Service's address on the nodes' own network, where its pool wants that. One node does for each
// address, and it is written into the Service's status before anybody acts on it. It stays as long as it can; otherwise
// the address goes to the node that ranks highest for it among those that can (rendezvous hashing), so that the addresses of a
// node that dies spread over all others.
//
// A node can when its network works, by its condition NetworkUnavailable: its agent sets that when something on the
// node fails, and the leading controller when the agent is silent. If no node's network seems to work, the fault is
// more likely in the API server or the controller, and no address moves.

import { createHash } from "node:crypto";
import type { AddressPool } from "../kube/addressPool.ts";
import { selects } from "../kube/labelSelector.ts";
import type { EndpointSlice, Node, Service } from "../kube/objects.ts";
import type { Change } from "../kube/store.ts";
import type { Stores } from "../kube/stores.ts";
import { isForeign } from "../model/foreign.ts";
import { type Family, parseIp } from "../model/ip.ts";
import { inRange } from "../model/ipRange.ts";
import { noOutsideLabel } from "../model/names.ts";
import type { ResolvedNode } from "../model/network.ts";
import type { Announcer } from "../model/outerAddresses.ts";
import type { Places } from "./places.ts";

export interface AnnouncingOptions {
  readonly stores: Pick<Stores, "EndpointSlice" | "Node" | "Service">;
  readonly places: Pick<Places, "node" | "nodes">;
}

export interface Announcement {
  readonly announcers: readonly Announcer[];
  /** Addresses that nobody can announce, for people; undefined when there are none. */
  readonly problem: string | undefined;
}

interface Chosen {
  readonly uid: string;
  readonly announcers: readonly Announcer[];
}

export class Announcing {
  readonly #options: AnnouncingOptions;
  /** `shop/web` -> what has been chosen for it and does not show yet */
  readonly #chosen = new Map<string, Chosen>();

  constructor(options: AnnouncingOptions) {
    this.#options = options;
  }

  /**
   * Who is to announce the Service's addresses. A pool that is deleted, made smaller or not usable any more takes no address
   * away, so what has been announced is announced by its rules, or else by any node.
   *
   * `pools`: those without a problem first.
   */
  announcement(service: Service, pools: readonly AddressPool[]): Announcement {
    const announcers: Announcer[] = [];
    const lost: string[] = [];
    for (const ip of service.ingressIps ?? []) {
      const pool = pools.find((pool) => isOf(pool, ip));
      const l2 = pool ? pool.l2 : this.#present(ip) === undefined ? undefined : anyNode;
      if (!l2) continue;
      const node = this.#choose(service, ip, l2);
      if (node === undefined) lost.push(ip);
      else announcers.push({ ip, node });
    }
    if (isSameList(announcers, service.announcers ?? [])) this.#chosen.delete(nameOf(service));
    else this.#chosen.set(nameOf(service), { uid: service.uid, announcers });
    return { announcers, problem: lost.length > 0 ? nobodyFor(lost, service) : undefined };
  }

  /** The Service is gone. */
  forget(service: { readonly namespace: string; readonly name: string }): void {
    this.#chosen.delete(nameOf(service));
  }

  #choose(service: Service, ip: string, l2: AddressPool["l2"] & object): string | undefined {
    const { stores, places } = this.#options;
    const family = parseIp(ip)?.family ?? 4;
    const serving =
      service.externalTrafficPolicy === "Local"
        ? nodesServing(stores.EndpointSlice.by("service", `${service.namespace}/${service.name}`), family)
        : undefined;
    const can = (name: string): boolean => {
      const node = stores.Node.get("", name);
      const resolved = places.node(name);
      return (
        node !== undefined &&
        resolved !== undefined &&
        (serving?.has(name) ?? true) &&
        hasGateway(resolved, family) &&
        !Object.hasOwn(node.labels, noOutsideLabel) &&
        (l2.nodeSelectors.length === 0 || l2.nodeSelectors.some((one) => selects(one, node.labels)))
      );
    };
    const isUp = (name: string): boolean => stores.Node.get("", name)?.networkUnavailable === false;
    const present = this.#present(ip);
    if (present !== undefined && isUp(present) && can(present)) return present;
    const able = [...places.nodes()].map(({ name }) => name).filter(can);
    const up = able.filter(isUp);
    if (up.length > 0) return highest(ip, up);
    return present !== undefined && able.includes(present) ? present : highest(ip, able);
  }

  /** Of Services that share the address, the first by name leads. */
  #present(ip: string): string | undefined {
    const sharing = this.#options.stores.Service.by("ingressIp", ip).toSorted(byName);
    for (const service of sharing) {
      const chosen = this.#chosen.get(nameOf(service));
      const { announcers = [] } = chosen?.uid === service.uid ? chosen : service;
      const found = announcers.find((one) => one.ip === ip);
      if (found) return found.node;
    }
    return undefined;
  }
}

const anyNode = { nodeSelectors: [] };

/** Whether a change of the Node may move an address. */
export const isMove = ({ old, new: now }: Change<Node>): boolean =>
  old?.networkUnavailable !== now?.networkUnavailable || old?.labels !== now?.labels;

/** What is read of a decided node. */
export const gatewayView = (node: ResolvedNode): string =>
  ([4, 6] as const).filter((family) => hasGateway(node, family)).join();

const hasGateway = ({ gateway, chassisId }: ResolvedNode, family: Family): boolean =>
  chassisId !== undefined && gateway?.addresses.some(({ ip }) => ip.family === family) === true;

/** The nodes that have a ready endpoint or, if none has, one that still serves while it terminates. */
function nodesServing(slices: readonly EndpointSlice[], family: Family): ReadonlySet<string> {
  const endpoints = slices
    .filter(({ addressType, labels }) => addressType === `IPv${family}` && !isForeign(labels))
    .flatMap((slice) => slice.endpoints);
  const ready = endpoints.filter((one) => one.ready);
  const those = ready.length > 0 ? ready : endpoints.filter((one) => one.serving && one.terminating);
  return new Set(those.map(({ nodeName }) => nodeName));
}

/** Rendezvous hashing: each node has a rank for each address, and a node that goes moves none but its own. */
function highest(ip: string, nodes: readonly string[]): string | undefined {
  const ranked = nodes.map(
    (node) => [createHash("sha256").update(`${ip} ${node}`).digest("hex"), node] as const,
  );
  return ranked.toSorted(([a], [b]) => (a < b ? 1 : -1))[0]?.[1];
}

const nobodyFor = (ips: readonly string[], { externalTrafficPolicy }: Service): string =>
  `nobody answers for ${ips.join(" and ")} on the nodes' network: no node that l2Advertisement of the pool selects has a gateway${
    externalTrafficPolicy === "Local" ? " and a ready endpoint" : ""
  }`;

const isOf = ({ ranges }: AddressPool, text: string): boolean => {
  const ip = parseIp(text);
  return ip !== undefined && ranges.some((range) => inRange(range, ip));
};

const isSameList = (a: readonly Announcer[], b: readonly Announcer[]): boolean =>
  a.length === b.length && a.every(({ ip, node }, index) => b[index]?.ip === ip && b[index]?.node === node);

const nameOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`;

const byName = (a: Service, b: Service): number => (nameOf(a) < nameOf(b) ? -1 : 1);
