// A Service's addresses from outside: those that it gets from a pool, who announces them, and which of its external IPs it may
// have. All of it is in its status before any fact uses it.

import type { AddressPool } from "../kube/addressPool.ts";
import type { ObjectRef } from "../kube/kinds.ts";
import type { Service } from "../kube/objects.ts";
import { announcersText } from "../kube/outerAddresses.ts";
import type { Change } from "../kube/store.ts";
import type { Stores } from "../kube/stores.ts";
import { type Cidr, contains, parseIp } from "../model/ip.ts";
import { inRange } from "../model/ipRange.ts";
import type { ClusterNetwork } from "../model/network.ts";
import type { Announcer } from "../model/outerAddresses.ts";
import { type Owner, ownerOf, parseOwner } from "../model/owner.ts";
import { commonPort, mayShare } from "../model/sharing.ts";
import { sidesOf } from "../observe/concerns.ts";
import { BalancerAddresses } from "./allocate/balancerAddresses.ts";
import type { PoolSearch } from "./allocate/poolSearch.ts";
import { Announcing, gatewayView, isMove } from "./announcing.ts";
import type { Decides, ServiceTell } from "./deciding.ts";
import type { OuterTaken } from "./outerTaken.ts";
import { addressProblem, clusterRanges, ownRanges, poolProblems } from "./ownRanges.ts";
import type { Places } from "./places.ts";

/** What is written into a Service's status. Resolves when the API server has acknowledged it. */
export type WriteServiceStatus = (
  service: ObjectRef & { readonly resourceVersion: string },
  status:
    | { readonly ingress: readonly string[] }
    | { readonly granted: readonly string[] }
    | { readonly announcers: readonly Announcer[] },
) => Promise<void>;

export interface ServiceDecisionOptions {
  readonly network: ClusterNetwork;
  /** What a Service may have as external IP. */
  readonly externalIps: readonly Cidr[];
  readonly stores: Pick<Stores, Reads>;
  readonly places: Pick<Places, "node" | "nodes">;
  /** Nodes have gateway routers, which can answer for addresses. */
  readonly hasGateways: boolean;
  readonly write: WriteServiceStatus;
  /** What has been written and does not show yet, and who else has addresses. */
  readonly taken: Pick<OuterTaken, "promised" | "byFloating">;
  readonly search: PoolSearch;
  readonly tell: ServiceTell;
}

type Reads = "EndpointSlice" | "IPAddressPool" | "Node" | "Service" | "ServiceCIDR";

/** Services that name it, and those that name none, get their addresses here. */
const loadBalancerClass = "weft.io/pool";

export function serviceDecision(options: ServiceDecisionOptions): Decides<Reads> {
  const { stores, tell } = options;
  const addresses = new BalancerAddresses(options.search);
  const announcing = new Announcing(options);
  const { promised: written } = options.taken;
  /** Services that wait for an address */
  const waiting = new Set<Owner>();
  /** Service -> what it has been told */
  const told = new Map<string, string>();

  const say = (
    service: Service,
    reason: Parameters<ServiceTell["notGiven"]>[1],
    message: string | undefined,
  ): void => {
    const key = `${service.uid} ${reason}`;
    if (message === undefined) told.delete(key);
    else if (told.get(key) !== message) {
      told.set(key, message);
      tell.notGiven(service, reason, message);
    }
  };
  const own = () => ownRanges(options.network, stores.ServiceCIDR.values(), options.places.nodes());
  const ofCluster = () => clusterRanges(options.network, stores.ServiceCIDR.values());

  /** Whether another Service that still exists has just been given it. */
  const isPromised = (ip: string, to: Service): boolean =>
    [...written].some(([other, { uid, ips }]) => {
      const { namespace, name } = parseOwner(other);
      const service = ips.includes(ip) ? stores.Service.get(namespace, name) : undefined;
      return service !== undefined && service.uid === uid && isRival(to, service);
    });

  async function decideIngress(service: Service): Promise<void> {
    const owner = ownerOfService(service);
    const shown = service.ingressIps ?? [];
    const before = written.get(owner);
    if (before && (before.uid !== service.uid || isSame(before.ips, shown))) written.delete(owner);
    waiting.delete(owner);
    const { balancer } = service;
    if (!balancer || ![undefined, loadBalancerClass].includes(balancer.loadBalancerClass)) return;
    const pools = [...stores.IPAddressPool.values()];
    // An address that is in no pool is another controller's, or the pool has been made smaller and the address stays.
    if (shown.length > 0 && !shown.some((ip) => pools.some((pool) => isOf(pool, ip)))) return;
    const rivals = shown.flatMap((ip) =>
      stores.Service.by("ingressIp", ip).filter((one) => isRival(service, one) && isBefore(one, service)),
    );
    const isContested = rivals.length > 0;
    say(service, "AddressTaken", isContested ? takenText(service, shown, rivals) : undefined);
    const isAsIsAsked = balancer.wanted.length === 0 || isSame(balancer.wanted, shown);
    if (shown.length > 0 && isAsIsAsked && !isContested) return say(service, "NoAddress", undefined);
    if (written.has(owner)) return;
    const problems = poolProblems(pools, own());
    const choice = addresses.choose({
      service,
      pools: pools.filter(({ name }) => !problems.has(name)),
      isTaken: (ip) =>
        stores.Service.by("ingressIp", ip).some((other) => isRival(service, other)) ||
        isPromised(ip, service) ||
        options.taken.byFloating(ip) !== undefined,
      shared: sharers(service).flatMap(
        (other) => written.get(ownerOfService(other))?.ips ?? other.ingressIps ?? [],
      ),
    });
    if ("refused" in choice) {
      waiting.add(owner);
      say(service, "NoAddress", choice.refused);
      if (!isContested) return;
    } else say(service, "NoAddress", undefined);
    const ips = "refused" in choice ? [] : choice.ips;
    written.set(owner, { uid: service.uid, ips });
    try {
      await options.write(service, { ingress: ips });
    } catch (error) {
      written.delete(owner);
      throw error;
    }
  }

  /** The Services whose addresses it may share, in the order of names. */
  const sharers = (service: Service): readonly Service[] =>
    stores.Service.by("sharing", `${service.namespace}/${service.sharingKey}`)
      .filter((other) => other.uid !== service.uid && mayShare(service, other))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));

  async function decideGrant(service: Service): Promise<void> {
    const { externalIps = [], grantedIps = [] } = service;
    const forNew = externalIps.length > 0 ? own() : [];
    const forGranted = grantedIps.length > 0 ? ofCluster() : [];
    const problems = new Map(
      externalIps.map((text) => {
        const ip = parseIp(text);
        if (!ip || !options.externalIps.some((range) => contains(range, ip)))
          return [text, `${text} is in no range that the controller's --external-ips allows`] as const;
        const floating = options.taken.byFloating(text);
        const ranges = grantedIps.includes(text) ? forGranted : forNew;
        const problem = addressProblem(ranges, ip) ?? (floating && `${text} is that of ${floating}`);
        return [text, problem ?? rivalOf(service, text)] as const;
      }),
    );
    const refused = [...problems.values()].flatMap((problem) => problem ?? []);
    say(
      service,
      "AddressRefused",
      refused.length > 0 ? `external IPs are not served: ${refused.join("; ")}` : undefined,
    );
    const granted = externalIps.filter((text) => problems.get(text) === undefined);
    if (!isSame(granted, grantedIps)) await options.write(service, { granted });
  }

  /**
   * Runs after the addresses are chosen. If they were chosen just now, the watch will show them and bring the Service
   * here again.
   */
  async function decideAnnouncers(service: Service): Promise<void> {
    if (!options.hasGateways || !service.balancer) return;
    const all = [...stores.IPAddressPool.values()];
    const before = service.announcers ?? [];
    if (before.length === 0 && all.every(({ l2 }) => !l2)) return;
    const problems = poolProblems(all, before.length > 0 ? ofCluster() : own());
    const usable = all.filter(({ name }) => !problems.has(name));
    const { announcers, problem } = announcing.announcement(service, usable);
    say(service, "NotAnnounced", problem);
    if (announcersText(announcers) === announcersText(before)) return;
    await options.write(service, { announcers });
    if (announcers.length > 0)
      tell.announced(service, `announced on the nodes' network: ${announcersText(announcers)}`);
  }

  /** Services with a balancer's address, if nodes announce any. */
  const announced = (): readonly Owner[] =>
    [...stores.IPAddressPool.values()].some(({ l2 }) => l2)
      ? [...stores.Service.values()].filter(({ ingressIps }) => ingressIps !== undefined).map(ownerOfService)
      : [];

  /** A Service that has an address and port keeps it. If several ask at the same time, the first by name gets it. */
  function rivalOf(service: Service, ip: string): string | undefined {
    const has = ({ grantedIps = [] }: Service): boolean => grantedIps.includes(ip);
    const rival = stores.Service.by("externalIp", ip).find(
      (other) =>
        other.uid !== service.uid &&
        (has(other) === has(service) ? isBefore(other, service) : has(other)) &&
        other.ports.some((a) => service.ports.some((b) => a.port === b.port && a.protocol === b.protocol)),
    );
    return rival && `${ip} is that of Service ${rival.namespace}/${rival.name} with the same port`;
  }

  return {
    kind: "service",
    reads: {
      Service: (change) => [
        ...sidesOf(change).map(ownerOfService),
        ...(isReleased(change) ? waiting : []),
        ...sidesOf(change).flatMap(({ externalIps = [] }) => sharing(externalIps)),
      ],
      IPAddressPool: () =>
        [...stores.Service.values()].filter(({ balancer }) => balancer !== undefined).map(ownerOfService),
      Node: (change) => [
        ...sharing(sidesOf(change).flatMap(({ internalIps }) => internalIps)),
        ...(isMove(change) ? announced() : []),
      ],
      ServiceCIDR: () => [],
      EndpointSlice: (change) =>
        sidesOf(change).flatMap(({ namespace, serviceName }) => {
          const service = stores.Service.get(namespace, serviceName);
          return service?.ingressIps ? [ownerOfService(service)] : [];
        }),
    },
    nodes: { view: gatewayView, owners: announced },
    async decide({ namespace, name }) {
      const service = stores.Service.get(namespace, name);
      if (service) {
        await decideIngress(service);
        await decideGrant(service);
        await decideAnnouncers(service);
        return {};
      }
      written.delete(ownerOf("service", name, namespace));
      waiting.delete(ownerOf("service", name, namespace));
      announcing.forget({ namespace, name });
      return {};
    },
  };

  function sharing(ips: readonly string[]): readonly Owner[] {
    return ips.flatMap((ip) => stores.Service.by("externalIp", ip).map(ownerOfService));
  }
}

const ownerOfService = ({ namespace, name }: Service): Owner => ownerOf("service", name, namespace);

const isReleased = ({ old, new: now }: Change<Service>): boolean =>
  old?.ingressIps?.some((ip) => !now?.ingressIps?.includes(ip)) ?? false;

/** Whether the other one keeps it from having the same address. */
const isRival = (service: Service, other: Service): boolean =>
  other.uid !== service.uid && !mayShare(service, other);

function takenText(service: Service, shown: readonly string[], [rival]: readonly Service[]): string {
  const port = rival && service.sharingKey === rival.sharingKey && commonPort(service, rival);
  const why = port ? `, and both have port ${port}` : "";
  return `${shown.join(" and ")} is also that of Service ${rival?.namespace}/${rival?.name}${why}; this one gets another address`;
}

const isOf = ({ ranges }: AddressPool, text: string): boolean => {
  const ip = parseIp(text);
  return ip !== undefined && ranges.some((range) => inRange(range, ip));
};

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one));

const isBefore = (a: Service, b: Service): boolean =>
  a.uid !== b.uid && `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}`;
