// A Service's addresses from outside: those that it gets from a pool (balancerIngress.ts), which of its external IPs it may
// have (externalIpGrants.ts), and who announces them (announcing.ts). All of it is in its status before any fact uses it.

import type { AddressPool } from "../kube/addressPool.ts";
import type { Service } from "../kube/objects.ts";
import { announcersText } from "../kube/outerAddresses.ts";
import type { Stores } from "../kube/stores.ts";
import type { Cidr } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import type { PoolSearch } from "./allocate/poolSearch.ts";
import { Announcing, gatewayView, isMove } from "./announcing.ts";
import { BalancerIngress } from "./balancerIngress.ts";
import type { Decides, ServiceTell } from "./deciding.ts";
import { ExternalIpGrants } from "./externalIpGrants.ts";
import { isFreedBy, type OuterTaken } from "./outerTaken.ts";
import { clusterRanges, ownRanges, poolProblems } from "./ownRanges.ts";
import type { Places } from "./places.ts";
import { ownerOfService, ServiceNews, type WriteServiceStatus } from "./serviceStatus.ts";

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
  readonly taken: Pick<OuterTaken, "promised" | "byFloating" | "waiting">;
  readonly search: PoolSearch;
  readonly tell: ServiceTell;
}

type Reads = "EndpointSlice" | "IPAddressPool" | "Node" | "Service" | "ServiceCIDR";

export function serviceDecision(options: ServiceDecisionOptions): Decides<Reads> {
  const { stores, tell } = options;
  const news = new ServiceNews(tell);
  const own = () => ownRanges(options.network, stores.ServiceCIDR.values(), options.places.nodes());
  const ofCluster = () => clusterRanges(options.network, stores.ServiceCIDR.values());
  const ingress = new BalancerIngress({
    ...options,
    news,
    poolProblems: (pools) => poolProblems(pools, own()),
  });
  const grants = new ExternalIpGrants({ ...options, news, ownRanges: own, clusterRanges: ofCluster });
  const announcing = new Announcing(options);

  /**
   * Runs after the addresses are chosen. If they were chosen just now, the watch will show them and bring the Service
   * here again.
   */
  async function decideAnnouncers(service: Service): Promise<void> {
    if (!options.hasGateways || !service.balancer) return;
    const all = [...stores.IPAddressPool.values()];
    const before = service.announcers ?? [];
    if (before.length === 0 && all.every(({ l2 }) => !l2)) return;
    const isAnnounced = before.length > 0;
    const problems = poolProblems(all, isAnnounced ? ofCluster() : own());
    const isUsable = ({ name }: AddressPool): boolean => !problems.has(name);
    const usable = all.filter(isUsable);
    const pools = isAnnounced ? [...usable, ...all.filter((pool) => !isUsable(pool))] : usable;
    const { announcers, problem } = announcing.announcement(service, pools);
    news.say(service, "NotAnnounced", problem);
    if (announcersText(announcers) === announcersText(before)) return;
    await options.write(service, { announcers });
    if (announcers.length > 0)
      tell.announced(service, `announced on the nodes' network: ${announcersText(announcers)}`);
  }

  /** Services with a balancer's address that nodes announce, or may have to. */
  const announced = (): readonly Owner[] => {
    const isAnnounced = [...stores.IPAddressPool.values()].some(({ l2 }) => l2);
    return stores.Service.by("outer", isAnnounced ? "ingressIps" : "announcers").map(ownerOfService);
  };

  return {
    kind: "service",
    reads: {
      Service: (change) => [
        ...sidesOf(change).map(ownerOfService),
        ...(isFreedBy(change) ? options.taken.waiting : []),
        ...sidesOf(change).flatMap(({ externalIps = [] }) => grants.asking(externalIps)),
      ],
      IPAddressPool: () => stores.Service.by("outer", "balancer").map(ownerOfService),
      Node: (change) => [
        ...grants.asking(sidesOf(change).flatMap(({ internalIps }) => internalIps)),
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
        await ingress.decide(service);
        await grants.decide(service);
        await decideAnnouncers(service);
        return {};
      }
      ingress.forget(ownerOf("service", name, namespace));
      announcing.forget({ namespace, name });
      return {};
    },
  };
}
