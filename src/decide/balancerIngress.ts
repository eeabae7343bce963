// The addresses that a Service of type LoadBalancer gets from the pools. They are written into its status before any fact
// uses them. A Service keeps what it has, unless it asks for something else or an earlier one has the same.

import type { AddressPool } from "../kube/addressPool.ts";
import type { Service } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import { parseIp } from "../model/ip.ts";
import { inRange } from "../model/ipRange.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import { commonPort, mayShare } from "../model/sharing.ts";
import { BalancerAddresses } from "./allocate/balancerAddresses.ts";
import type { PoolSearch } from "./allocate/poolSearch.ts";
import type { OuterTaken } from "./outerTaken.ts";
import {
  isBefore,
  isSameIps,
  ownerOfService,
  type ServiceNews,
  type WriteServiceStatus,
} from "./serviceStatus.ts";

export interface BalancerIngressOptions {
  readonly stores: Pick<Stores, "IPAddressPool" | "Service">;
  /** Why each unusable pool cannot be used. */
  readonly poolProblems: (pools: readonly AddressPool[]) => ReadonlyMap<string, string>;
  readonly write: WriteServiceStatus;
  /** What has been written and does not show yet, and who else has addresses. */
  readonly taken: Pick<OuterTaken, "promised" | "byFloating" | "waiting">;
  readonly search: PoolSearch;
  readonly news: ServiceNews;
}

/** Services that name it, and those that name none, get their addresses here. */
export const loadBalancerClass = "weft.io/pool";

export class BalancerIngress {
  readonly #options: BalancerIngressOptions;
  readonly #addresses: BalancerAddresses;

  constructor(options: BalancerIngressOptions) {
    this.#options = options;
    this.#addresses = new BalancerAddresses(options.search);
  }

  async decide(service: Service): Promise<void> {
    const { stores, news, write, taken } = this.#options;
    const owner = ownerOfService(service);
    const shown = service.ingressIps ?? [];
    const before = taken.promised.get(owner);
    if (before && (before.uid !== service.uid || isSameIps(before.ips, shown))) taken.promised.delete(owner);
    taken.waiting.delete(owner);
    const { balancer } = service;
    if (!balancer || ![undefined, loadBalancerClass].includes(balancer.loadBalancerClass)) return;
    const pools = [...stores.IPAddressPool.values()];
    // What is in no pool is another controller's, a host name too; or the pool has been made smaller and the address stays.
    if (service.ingressIps && !shown.some((ip) => pools.some((pool) => isOf(pool, ip)))) return;
    const rivals = shown.flatMap((ip) =>
      stores.Service.by("ingressIp", ip).filter((one) => isRival(service, one) && isBefore(one, service)),
    );
    const isContested = rivals.length > 0;
    news.say(service, "AddressTaken", isContested ? takenText(service, shown, rivals) : undefined);
    const isAsIsAsked = balancer.wanted.length === 0 || isSameIps(balancer.wanted, shown);
    if (shown.length > 0 && isAsIsAsked && !isContested) return news.say(service, "NoAddress", undefined);
    if (taken.promised.has(owner)) return;
    const choice = this.#choose(service, pools);
    if ("refused" in choice) {
      taken.waiting.add(owner);
      news.say(service, "NoAddress", choice.refused);
      if (!isContested) return;
    } else news.say(service, "NoAddress", undefined);
    const ips = "refused" in choice ? [] : choice.ips;
    taken.promised.set(owner, { uid: service.uid, ips });
    try {
      await write(service, { ingress: ips });
    } catch (error) {
      taken.promised.delete(owner);
      throw error;
    }
  }

  /** The Service is gone. */
  forget(owner: Owner): void {
    const { promised, waiting } = this.#options.taken;
    promised.delete(owner);
    waiting.delete(owner);
  }

  #choose(service: Service, pools: readonly AddressPool[]): ReturnType<BalancerAddresses["choose"]> {
    const { taken, poolProblems } = this.#options;
    const problems = poolProblems(pools);
    return this.#addresses.choose({
      service,
      pools: pools.filter(({ name }) => !problems.has(name)),
      takenBy: (ip) => this.#takenBy(ip, service),
      shared: this.#sharers(service).flatMap(
        (other) => taken.promised.get(ownerOfService(other))?.ips ?? other.ingressIps ?? [],
      ),
    });
  }

  /** Who else has the address, for people. */
  #takenBy(ip: string, to: Service): string | undefined {
    const { stores, taken } = this.#options;
    const rival =
      stores.Service.by("ingressIp", ip).find((other) => isRival(to, other)) ?? this.#promisedTo(ip, to);
    return rival ? `Service ${rival.namespace}/${rival.name}` : taken.byFloating(ip);
  }

  /** Another Service that still exists and has just been given it. */
  #promisedTo(ip: string, to: Service): Service | undefined {
    const { stores, taken } = this.#options;
    return [...taken.promised]
      .filter(([, { ips }]) => ips.includes(ip))
      .flatMap(([other, { uid }]) => {
        const { namespace, name } = parseOwner(other);
        const service = stores.Service.get(namespace, name);
        return service?.uid === uid ? [service] : [];
      })
      .find((service) => isRival(to, service));
  }

  /** The Services whose addresses it may share, in the order of names. */
  #sharers(service: Service): readonly Service[] {
    return this.#options.stores.Service.by("sharing", `${service.namespace}/${service.sharingKey}`)
      .filter((other) => other.uid !== service.uid && mayShare(service, other))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}

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
